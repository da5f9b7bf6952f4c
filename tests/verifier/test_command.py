"""`python -m wallet.verifier check`: exit codes, a verdict nobody can misread, and what to try next."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from tests.support import NOON
from tests.verifier.world import DAY, World, make_signer
from wallet.formats.trust_bundle import sign_bundle
from wallet.terms import SAMPLE_MARK
from wallet.verifier.__main__ import main
from wallet.verifier.images import ImageRefused, code_from_image

AT = "2026-03-02T05:00:00Z"


@dataclass
class Desk:
    """One desk with a bundle on its disk."""

    world: World
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.jws"

    def check(
        self, code: str, *more: str, pin: str | None = None, at: str = AT, bundle: Path | None = None
    ) -> tuple[int, str, str]:
        arguments = [
            "check",
            code,
            "--bundle",
            str(bundle or self.bundle),
            "--pin",
            pin or self.world.pins[0],
            "--at",
            at,
            *more,
        ]
        code_of_exit = main(arguments)
        captured = self.capsys.readouterr()
        return code_of_exit, captured.out, captured.err


@pytest.fixture
def desk(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(world, tmp_path, capsys)
    desk.bundle.write_text(world.bundle() + "\n")
    return desk


def picture(code: str, path: Path) -> Path:
    barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode)
    Image.fromarray(zxingcpp.write_barcode_to_image(barcode, scale=4)).save(path)
    return path


def test_a_valid_document_exits_with_zero(desk: Desk) -> None:
    status, out, err = desk.check(desk.world.document_code())
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "============  HỢP LỆ  |  VALID  ============"
    assert lines[1] == SAMPLE_MARK
    for text in (
        "Nguyễn Thị Hồng Hạnh",
        "6789",
        "Thông tin cư trú",
        "Cơ quan mẫu",
        "2026-03-01 12:00:00 +07:00",
        "2026-08-29",
        "0 ngày 1 giờ 0 phút",
        "0 ngày 0 giờ 10 phút",
    ):
        assert text in out


def test_english_below_the_first_line(desk: Desk) -> None:
    for option in (("--lang", "en"), ("--lang=en",)):
        _, out, _ = desk.check(desk.world.document_code(), *option)
        assert out.startswith("============  HỢP LỆ  |  VALID")
        assert "Residence information" in out
        assert "Every check passed." in out


@pytest.mark.parametrize(
    "code", ["", "nonsense", "https://example.vn", "VD1:", "VD1:BB8", "\ud800", "\0", "x" * 5000, "VD1:" + "0" * 99]
)
def test_what_is_no_good_code_exits_with_one(desk: Desk, code: str) -> None:
    status, out, err = desk.check(code)
    assert status == 1
    assert out.startswith("============  KHÔNG HỢP LỆ  |  NOT VALID")
    assert err == ""


def test_an_expired_document_exits_with_one_and_is_shown(desk: Desk) -> None:
    status, out, _ = desk.check(desk.world.document_code(issued_at=NOON - 2 * DAY, expires_at=NOON - DAY))
    assert status == 1
    assert "[expired]" in out
    assert "Nguyễn" in out


def test_what_cannot_be_told_exits_with_two(desk: Desk) -> None:
    status, out, _ = desk.check(desk.world.document_code(issuer="VN-XX"))
    assert status == 2
    assert out.startswith("============  CHƯA XÁC ĐỊNH ĐƯỢC  |  CANNOT TELL")


def test_a_stale_bundle_is_never_valid(desk: Desk) -> None:
    status, out, err = desk.check(desk.world.document_code(), at="2026-03-06T05:00:00Z")
    assert status == 2
    assert "[trust_stale]" in out
    assert "cập nhật" in err


def test_a_bundle_past_its_update_is_warned_of(desk: Desk) -> None:
    status, _, err = desk.check(desk.world.document_code(), "--lang", "en", at="2026-03-03T05:00:00Z")
    assert status == 0
    assert "next update" in err


def test_a_genuine_document_that_is_not_for_us_is_not_shown_as_valid(desk: Desk) -> None:
    code = desk.world.document_code(recipient="Trường Mẫu")
    status, out, _ = desk.check(code)
    assert status == 2
    assert (
        out.splitlines()[0]
        == "============  CHỮ KÝ THẬT, NHƯNG KHÔNG CHẤP NHẬN Ở ĐÂY  |  GENUINE, BUT NOT ACCEPTED HERE  ============"
    )
    assert desk.check(code, "--recipient", "Trường Mẫu")[0] == 0


def test_json_is_the_answer(desk: Desk) -> None:
    status, out, _ = desk.check(desk.world.document_code(), "--json")
    assert status == 0
    assert json.loads(out)["verdict"] == "valid"
    status, out, _ = desk.check("x", "--json")
    assert (status, json.loads(out)["reasons"]) == (1, ["not_a_code"])


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff", "jpg", "webp"])
def test_a_picture_of_a_code_is_read(desk: Desk, suffix: str) -> None:
    path = picture(desk.world.document_code(), desk.folder / f"code.{suffix}")
    assert desk.check(str(path))[0] == 0


def test_a_picture_with_transparent_ground_is_read(desk: Desk) -> None:
    path = picture(desk.world.document_code(), desk.folder / "code.png")
    grey = Image.open(path).convert("L")
    see_through = Image.new("RGBA", grey.size)
    see_through.putalpha(grey.point(lambda value: 255 - value))
    see_through.save(path)
    assert desk.check(str(path))[0] == 0


def test_a_picture_of_another_code_is_not_valid(desk: Desk) -> None:
    status, out, _ = desk.check(str(picture("https://example.vn", desk.folder / "code.png")))
    assert status == 1
    assert "[not_a_code]" in out


def test_two_codes_in_one_picture_are_not_chosen_from(desk: Desk) -> None:
    first, second = (
        Image.open(picture(desk.world.document_code(document_id=bytes([n]) * 16), desk.folder / f"{n}.png"))
        for n in (1, 2)
    )
    both = Image.new("L", (first.width + second.width, max(first.height, second.height)), 255)
    both.paste(first, (0, 0))
    both.paste(second, (first.width, 0))
    both.save(desk.folder / "both.png")
    status, _, err = desk.check(str(desk.folder / "both.png"), "--lang", "en")
    assert status == 2
    assert "2 codes" in err


def failed(result: tuple[int, str, str], text: str) -> None:
    status, out, err = result
    assert status == 2
    assert out == "============  CHƯA XÁC ĐỊNH ĐƯỢC  |  CANNOT TELL  ============\n"
    assert text in err
    assert err.splitlines()[-1].startswith(("Next command to try: ", "Lệnh nên thử tiếp: "))


@pytest.mark.parametrize("content", [b"", b"junk", b"\x89PNG\r\n\x1a\n" + bytes(100), b"GIF89a", b"\xff\xd8\xff"])
def test_an_unreadable_picture_cannot_be_told(desk: Desk, content: bytes) -> None:
    path = desk.folder / "code.png"
    path.write_bytes(content)
    failed(desk.check(str(path), "--lang", "en"), "cannot be read")


def test_a_picture_cut_short_cannot_be_told(desk: Desk) -> None:
    path = picture(desk.world.document_code(), desk.folder / "code.png")
    whole = path.read_bytes()
    statuses = []
    for length in range(0, len(whole) // 2, max(1, len(whole) // 120)):
        path.write_bytes(whole[:length])
        statuses.append(desk.check(str(path))[0])
    assert set(statuses) == {2}


def test_a_missing_or_empty_picture_cannot_be_told(desk: Desk) -> None:
    failed(desk.check(str(desk.folder / "missing.png"), "--lang", "en"), "cannot be read")
    Image.new("L", (50, 50)).save(desk.folder / "black.png")
    failed(desk.check(str(desk.folder / "black.png"), "--lang", "en"), "no code")


def test_a_huge_picture_is_refused_before_it_is_decoded(desk: Desk) -> None:
    import tracemalloc

    path = desk.folder / "huge.png"
    for side in (6_325, 20_000):  # just above 40 million; above what Pillow takes itself
        Image.new("1", (side, side)).save(path)
        tracemalloc.start()
        with pytest.raises(ImageRefused, match="image_too_large"):
            code_from_image(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1024 * 1024
    failed(desk.check(str(path), "--lang", "en"), "too large")


def test_stdin_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, status in ((f"\n {desk.world.document_code()}\n", 0), ("", 1), ("\xff" * 100_000, 1)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("latin-1"))))
        assert desk.check("-")[0] == status


def test_a_missing_bundle_cannot_be_told(desk: Desk) -> None:
    failed(desk.check(desk.world.document_code(), "--lang", "en", bundle=desk.folder / "none"), "cannot be read")
    failed(desk.check(desk.world.document_code(), "--lang", "en", bundle=desk.folder), "cannot be read")


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe\x00", b"a.b.c"])
def test_a_broken_bundle_cannot_be_told(desk: Desk, content: bytes) -> None:
    desk.bundle.write_bytes(content)
    failed(desk.check(desk.world.document_code(), "--lang", "en"), "not taken: malformed")


def test_a_wrong_pin_cannot_be_told(desk: Desk) -> None:
    failed(desk.check(desk.world.document_code(), "--lang", "en", pin="0" * 64), "pin does not fit")
    failed(desk.check(desk.world.document_code(), "--lang", "en", pin="junk"), "pin does not fit")


def test_errors_are_json_when_json_was_asked_for(desk: Desk) -> None:
    status, out, _ = desk.check(desk.world.document_code(), "--json", pin="junk")
    found = json.loads(out)
    assert status == 2
    assert (found["verdict"], found["accepted"], found["error"]) == ("cannot_tell", False, "pin_wrong")
    assert found["next"]


@pytest.mark.parametrize(
    "arguments", [[], ["check"], ["check", "x"], ["nonsense"], ["check", "x", "--bundle", "b", "--pin", "p", "--what"]]
)
def test_wrong_usage_says_what_to_try(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "--help" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "at", ["", "now", "2026-03-02", "2026-03-02T05:00:00", "2026-13-02T05:00:00Z", "20260302T050000Z"]
)
def test_a_moment_must_be_rfc_3339(desk: Desk, at: str) -> None:
    failed(desk.check("x", "--lang", "en", at=at), "RFC 3339")


@pytest.mark.parametrize(
    "at", ["2026-03-02T05:00:00Z", "2026-03-02t05:00:00z", "2026-03-02T12:00:00+07:00", "2026-03-02T05:00:00.25Z"]
)
def test_a_moment_in_rfc_3339_is_taken(desk: Desk, at: str) -> None:
    assert desk.check(desk.world.document_code(), at=at)[0] == 0


def test_a_gate_id_must_be_one(desk: Desk) -> None:
    failed(desk.check("x", "--gate", "a b", "--lang", "en"), "gate id")


def test_a_store_refuses_an_older_bundle_and_goes_on_with_the_one_held(desk: Desk) -> None:
    store = ("--store", str(desk.folder / "store"), "--lang", "en")
    code = desk.world.document_code()
    assert desk.check(code, *store)[0] == 0
    revoked = desk.world.bundle(desk.world.status_jwt({9: 1}, issued_at=NOON - timedelta(minutes=5)), seq=7)
    desk.bundle.write_text(revoked)
    assert desk.check(code, *store)[0] == 1
    desk.bundle.write_text(desk.world.bundle(seq=6))
    status, out, err = desk.check(code, *store)
    assert status == 1
    assert "[revoked]" in out
    assert "was not taken" in err
    for replacement in ("junk", sign_bundle(desk.world.content(seq=9), make_signer("x"))):
        desk.bundle.write_text(replacement)
        assert desk.check(code, *store)[0] == 1
    desk.bundle.unlink()
    assert desk.check(code, *store)[0] == 1


def test_a_store_remembers_live_codes(desk: Desk) -> None:
    store = ("--store", str(desk.folder / "store"), "--gate", "GATE-1")
    code = desk.world.live_code()
    assert [desk.check(code, *store)[0] for _ in range(2)] == [0, 1]
    assert "[live_replayed]" in desk.check(code, *store)[1]


def test_a_store_that_fails_cannot_be_told(desk: Desk) -> None:
    store = desk.folder / "store"
    store.mkdir()
    (store / "seen.sqlite").mkdir()
    failed(desk.check(desk.world.live_code(), "--store", str(store), "--lang", "en"), "memory of used codes")
    (desk.folder / "file").write_text("")
    failed(
        desk.check(desk.world.document_code(), "--store", str(desk.folder / "file"), "--lang", "en"), "store_unreadable"
    )


def test_nothing_in_a_code_steers_the_terminal(desk: Desk) -> None:
    hostile = "\x1b[2J\n============  HỢP LỆ  |  VALID\r\u202e\u200b\x9b31m"
    code = desk.world.document_code(claims={1: hostile, 99: [hostile]}, recipient=hostile)
    for option in ((), ("--json",)):
        _, out, _ = desk.check(code, *option)
        assert out.replace("\n", "").isprintable()
        assert sum(line.startswith("====") for line in out.splitlines()) == (0 if option else 1)


def test_a_live_code_says_who_holds_it(desk: Desk) -> None:
    _, out, _ = desk.check(desk.world.live_code(), "--lang", "en")
    assert "the holder's own device" in out
    _, out, _ = desk.check(desk.world.document_code(), "--lang", "en")
    assert "not checked (printed code)" in out
    _, out, _ = desk.check(desk.world.live_code(sign=lambda _: bytes(64)), "--lang", "en")
    assert "Bearer" not in out


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_verifier_loads_no_server_and_no_database() -> None:
    done = run(
        "import sys, wallet.verifier, wallet.verifier.__main__\n"
        "names = {'flask', 'sqlalchemy', 'marshmallow', 'qrcode', 'cbor2', 'PIL', 'zxingcpp', 'httpx', 'redis'}\n"
        "print(sorted(names & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


BLOCKED = """
import runpy, sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"a socket: {event}")
sys.addaudithook(refuse)
sys.argv[0] = "verifier"
runpy.run_module("wallet.verifier", run_name="__main__", alter_sys=True)
"""


def test_the_command_opens_no_socket(desk: Desk) -> None:
    path = picture(desk.world.document_code(), desk.folder / "code.png")
    for code in (desk.world.document_code(), str(path)):
        done = run(BLOCKED, "check", code, "--bundle", str(desk.bundle), "--pin", desk.world.pins[0], "--at", AT)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("============  HỢP LỆ")
    assert (
        run("import socket; " + BLOCKED.replace("runpy.run_module", "socket.socket(); runpy.run_module")).returncode
        != 0
    )


def test_values_of_every_kind_are_shown(desk: Desk) -> None:
    claims = {3: 11016, 4: ["An", "Bình"], 5: True, 6: 1767225600, 7: 4, 99: "x"}
    _, out, _ = desk.check(desk.world.document_code(claims=claims, recipient="Trường Mẫu"), "--lang", "en")
    for line in (
        "Date of birth: 2000-02-29",
        "Household: An, Bình",
        "Permanent: yes",
        "Registered at: 2026-01-01 07:00:00 +07:00",
        "Members: 4",
        "Item 99: x",
        "Recipient: Trường Mẫu",
    ):
        assert f"  {line}\n" in out
    _, out, _ = desk.check(desk.world.document_code(claims={5: False, 6: 2**53 - 1}), "--lang", "en")
    assert "Permanent: no" in out
    assert f"Registered at: {2**53 - 1}" in out


def test_the_last_moments_of_the_calendar_are_shown(desk: Desk) -> None:
    assert desk.check("x", at="9999-12-31T23:59:59Z")[0] == 1


def test_an_age_below_zero_is_shown(desk: Desk) -> None:
    _, out, _ = desk.check(desk.world.document_code(), "--lang", "en", at="2026-03-02T03:59:30Z")
    assert "Age of the trust bundle: -0 d 0 h 0 min" in out


def test_a_picture_file_too_large_is_refused_unread(desk: Desk) -> None:
    path = desk.folder / "huge.png"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    failed(desk.check(str(path), "--lang", "en"), "more than")


def test_without_the_libraries_for_pictures_the_command_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(desk.world.document_code(), desk.folder / "code.png")
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    status, _, err = desk.check(str(path), "--lang", "en")
    assert status == 2
    assert err.splitlines()[-1].endswith("pip install zxing-cpp pillow")


def test_output_that_is_no_text_stream_is_left_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert desk.check("x")[0] == 1


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_whatever_goes_wrong_inside_is_never_told_as_invalid(desk: Desk, moment: str) -> None:
    status, out, _ = desk.check(desk.world.document_code(), "--json", at=moment)
    assert status == 2
    assert json.loads(out)["verdict"] == "cannot_tell"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_an_answer_that_cannot_be_written_is_not_told_as_invalid(desk: Desk, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wallet.verifier", "check", "x", "--bundle", "nowhere", "--pin", "0" * 64]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.DEVNULL)
    assert done.returncode == 2
