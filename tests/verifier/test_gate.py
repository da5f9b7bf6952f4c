"""A gate: one line in, one verdict out, whatever the line holds; high mode; a profile; killed and started again."""

import base64
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON, FixedClock, SeededEntropy
from tests.verifier.test_command import picture
from tests.verifier.world import NAME_AND_TAIL, World
from wallet.formats.live_code import GateChallenge, parse_gate_challenge
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import catalogue
from wallet.verifier import FileReplay, MemoryReplay
from wallet.verifier.__main__ import main
from wallet.verifier.at_gate import Screen
from wallet.verifier.at_gate import World as GateWorld
from wallet.verifier.fetching import Fetched, FetchFailed
from wallet.verifier.gate import MAX_LINE_BYTES, Challenges, Gate, json_line, lines_of, told_line
from wallet.verifier.judgement import Judgement
from wallet.verifier.outcomes import LOOKS, Outcome, outcome_of
from wallet.verifier.profile import Profile, ProfileRefused, profile_of, read_profile
from wallet.verifier.reasons import REASONS, VERDICT_OF, Verdict
from wallet.verifier.receipts import Receipts
from wallet.verifier.refreshing import Held
from wallet.verifier.waiting import Silence, Waiting

FUZZ = int(os.environ.get("FUZZ", "1000"))
LINES = 10_000 if FUZZ >= 100_000 else 1_000


@dataclass
class Post:
    """A gate with its store, as an integrator speaks to it."""

    world: World
    folder: Path
    clock: FixedClock = field(default_factory=FixedClock)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = Held(self.folder, self.world.pins)
        if held.bundle() is None:
            held.offer(self.world.bundle(), NOON)
        parts = {"replay": MemoryReplay(), "receipts": Receipts(self.folder), "clock": self.clock, **self.options}
        self.gate = Gate(held, **parts)

    def say(self, **asked: Any) -> dict[str, Any]:
        return json_line(self.gate, json.dumps(asked))


@pytest.fixture
def post(world: World, tmp_path: Path) -> Callable[..., Post]:
    return lambda **options: Post(world, tmp_path, options=options)


def dead_network(url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = 0) -> Fetched:
    raise FetchFailed("unreachable")


def high(world: World, tmp_path: Path) -> Post:
    challenges = Challenges("C3", SeededEntropy("nonce"))
    return Post(world, tmp_path, options={"gate_id": "C3", "challenges": challenges})


# ── lines of an integrator ──


def test_an_answer_is_the_one_of_the_specification_and_more(post: Callable[..., Post], world: World) -> None:
    found = post().say(id="p-1", code=world.document_code())
    assert (found["id"], found["verdict"], found["reasons"], found["accepted"]) == ("p-1", "valid", ["ok"], True)
    assert (found["outcome"], found["sample_mark"]) == ("valid", SAMPLE_MARK)
    assert "receipt_id" not in found
    assert "refused_for" not in found


def test_a_picture_is_read(post: Callable[..., Post], world: World, tmp_path: Path) -> None:
    path = picture(world.live_code(), tmp_path / "code.png")
    at = post()
    assert at.say(image=str(path))["accepted"]
    again = at.say(image=str(path))
    assert again["reasons"] == ["live_replayed"]
    assert again["first_seen"] == {"at": "2026-03-02T05:00:00Z"}, "this gate has no name"
    assert "first_seen" not in at.say(code=world.document_code())
    assert at.say(image=str(tmp_path / "none.png"))["error"] == "image_unreadable"


def test_a_document_is_read_from_a_file_that_a_program_names(
    post: Callable[..., Post], world: World, tmp_path: Path
) -> None:
    path = tmp_path / "paper.sdjwt"
    path.write_text("no document")
    assert post().say(image=str(path))["verdict"] == "invalid"


@pytest.mark.parametrize("name", ["code.png", "paper.mdoc", "paper.sdjwt", "paper"])
def test_only_a_regular_file_is_read(post: Callable[..., Post], tmp_path: Path, name: str) -> None:
    at = post()
    os.mkfifo(tmp_path / name)  # nobody writes: whoever waits for it waits for good
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / name, Path("/dev/zero"), tmp_path / "folder.png"):
        found = at.say(image=str(path))
        assert (found["verdict"], found["accepted"]) == ("cannot_tell", False)
        assert found["error"] in ("image_unreadable", "document_missing")


def test_what_a_program_calls_an_image_is_never_a_code(post: Callable[..., Post], world: World) -> None:
    found = post().say(image=world.document_code())
    assert (found["error"], found["accepted"]) == ("image_unreadable", False)


@pytest.mark.parametrize("name", ["visitor.png", "visitor", "visitor.mdoc", "visitor.sdjwt"])
def test_a_line_at_a_gate_is_never_a_path(
    post: Callable[..., Post], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    picture(world.document_code(), tmp_path / "visitor.png").rename(tmp_path / name)  # of whoever was here before
    monkeypatch.chdir(tmp_path)
    at = post()
    for line in (str(tmp_path / name), name, f"file:{tmp_path / name}", f"file {tmp_path / name}"):
        told = told_line(at.gate, line)
        assert (told.judgement.verdict, told.judgement.reasons) == (Verdict.INVALID, ("not_a_code",))
        assert told.judgement.document is None
        assert at.say(code=line)["reasons"] == ["not_a_code"]


def test_a_line_that_names_a_pipe_holds_up_no_gate(post: Callable[..., Post], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mdoc")
    assert told_line(post().gate, str(tmp_path / "pipe.mdoc")).judgement.reasons == ("not_a_code",)


GARBAGE = [
    "", " ", "null", "[]", "1", '"VD1:"', "{", "{}", '{"code": 1}', '{"code": null}', '{"image": ["x"]}', '{"id": 1}',
    '{"code": "x", "image": "y"}', '{"code": "x", "what": 1}', '{"id": {}, "code": "x"}', '{"id": 1e400, "code": "x"}',
    '{"id": true, "code": "x"}', '{"challenge": true}', "NaN", "[" * 50_000, '{"code": ' * 2_000, "9" * 5_000,
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "\0", "\u2028", "\x1b[2J",
    json.dumps({"id": "x" * 129, "code": "x"}),
]  # fmt: skip


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_is_an_answer_and_never_valid(post: Callable[..., Post], line: str) -> None:
    found = json_line(post().gate, line)
    assert (found["verdict"], found["accepted"], found["error"]) == ("cannot_tell", False, "line")


@pytest.mark.parametrize(
    "code", ["", "\0", "VL1:", "VD1:" + "0" * 9000, "\ud800", "https://example.vn", "VG1:AAA", "eyJ~"]
)
def test_a_text_that_is_no_code_is_a_verdict(post: Callable[..., Post], code: str) -> None:
    found = post().say(id=7, code=code)
    assert (found["id"], found["verdict"], found["accepted"]) == (7, "invalid", False)
    assert found["outcome"] in ("not_our_code", "damaged")


def fuzzed(world: World, count: int) -> Iterable[bytes]:
    """Yield lines that are nearly right, or not at all; none of them has an end in it."""
    chance = random.Random(1)
    codes = [world.document_code(), world.live_code()]
    for n in range(count):
        good = json.dumps({"id": n, "code": chance.choice(codes)}).encode()
        kind = n % 5
        if kind == 0:
            yield bytes(chance.randrange(256) for _ in range(chance.randrange(300))).replace(b"\n", b"")
        elif kind == 1:
            yield good[: chance.randrange(len(good))]
        elif kind == 2:
            at = chance.randrange(len(good))
            yield good[:at] + bytes([chance.randrange(32, 127)]) + good[at + 1 :]
        elif kind == 3:
            yield json.dumps(
                {"id": n, "code": base64.b64encode(chance.randbytes(chance.randrange(400))).decode()}
            ).encode()
        else:
            yield json.dumps(
                {chance.choice(("id", "code", "image", "x")): chance.choice((None, [], {}, n, "VD1:"))}
            ).encode()


def test_every_line_of_a_fuzzed_gate_has_one_answer(world: World, tmp_path: Path) -> None:
    at = Post(world, tmp_path / "store")
    lines = list(fuzzed(world, LINES))
    # What has a path of a file that exists would be read: there is none among these.
    read = list(lines_of(BytesIO(b"\n".join(lines) + b"\n")))
    assert len(read) == LINES
    answers = [json_line(at.gate, line) for line in read]
    assert all(answer["verdict"] in ("invalid", "cannot_tell", "valid") for answer in answers)
    assert not any(answer.get("error") == "internal" for answer in answers)
    for answer, line in zip(answers, lines, strict=True):
        if answer["accepted"]:
            assert world.document_code()[:4] in line.decode() or world.live_code()[:4] in line.decode()
    assert at.say(code=world.document_code(document_id=bytes(16)))["accepted"], "the gate still works after all that"


def test_a_line_of_any_length_takes_no_more_room_than_the_limit() -> None:
    stream = BytesIO(b"x" * (MAX_LINE_BYTES * 3) + b"\nVD1:\n" + b"y" * (MAX_LINE_BYTES + 1))
    assert list(lines_of(stream)) == [None, "VD1:", None]
    assert list(lines_of(BytesIO(b"a\r\nb"))) == ["a", "b"]


def test_state_is_told_when_it_is_asked_for(post: Callable[..., Post]) -> None:
    at = post()
    assert at.say(id=1, state=True)["state"]["level"] == "fresh"
    at.clock.advance(timedelta(hours=80))
    assert at.say(state=True)["state"]["level"] == "too_old"


def test_s51_an_old_bundle_makes_nothing_valid_at_a_gate(post: Callable[..., Post], world: World) -> None:
    at = post()
    at.clock.advance(timedelta(hours=71))
    found = at.say(code=world.document_code())
    assert (found["verdict"], found["accepted"], found["outcome"]) == ("cannot_tell", False, "cannot_tell")
    assert "trust_stale" in found["reasons"]


def test_a_store_that_cannot_be_written_lets_nothing_pass(world: World, tmp_path: Path) -> None:
    at = Post(world, tmp_path, options={"replay": FileReplay(tmp_path)})
    found = at.say(code=world.live_code())
    assert (found["verdict"], found["accepted"], found["error"]) == ("cannot_tell", False, "store")


def test_without_a_bundle_nothing_is_told(world: World, tmp_path: Path) -> None:
    gate = Gate(Held(tmp_path, world.pins), MemoryReplay(), Receipts(tmp_path), FixedClock())
    found = json_line(gate, json.dumps({"code": world.document_code()}))
    assert (found["verdict"], found["error"]) == ("cannot_tell", "no_bundle")


# ── high mode ──


def test_in_high_mode_the_nonce_is_demanded_once(world: World, tmp_path: Path) -> None:
    at = high(world, tmp_path)
    shown = at.say(id=1, challenge=True)
    challenge = parse_gate_challenge(shown["challenge"])
    assert (challenge.gate_id, len(challenge.nonce or b"")) == ("C3", 8)
    assert shown["challenge_expires_at"] == "2026-03-02T05:02:00Z"
    answering = world.live_code(challenge=challenge)
    first = at.say(code=answering)
    assert first["accepted"]
    assert first["challenge"] != shown["challenge"]
    again = at.say(code=world.live_code(challenge=challenge, lives=timedelta(seconds=50)))
    assert (again["accepted"], again["reasons"]) == (False, ["wrong_gate"])


@pytest.mark.parametrize(
    "other", [None, GateChallenge("C3"), GateChallenge("C4", bytes(8)), GateChallenge("C3", bytes(8))]
)
def test_in_high_mode_another_answer_is_refused_and_uses_nothing_up(
    world: World, tmp_path: Path, other: GateChallenge | None
) -> None:
    at = high(world, tmp_path)
    challenge = parse_gate_challenge(at.say(challenge=True)["challenge"])
    assert at.say(code=world.live_code(challenge=other))["reasons"] == ["wrong_gate"]
    forged = world.live_code(challenge=challenge, sign=lambda _: bytes(64))
    assert at.say(code=forged)["reasons"] == ["device_mismatch"]
    assert at.say(code=world.live_code(challenge=challenge))["accepted"], "still the same challenge"


def test_a_challenge_is_renewed_before_it_dies_after_120_seconds(world: World, tmp_path: Path) -> None:
    at = high(world, tmp_path)
    challenge = parse_gate_challenge(at.say(challenge=True)["challenge"])
    at.clock.advance(seconds=89)
    assert parse_gate_challenge(at.say(challenge=True)["challenge"]) == challenge
    at.clock.advance(seconds=1)
    second = parse_gate_challenge(at.say(challenge=True)["challenge"])
    assert second != challenge
    at.clock.advance(seconds=29)
    in_time = world.live_code(challenge=challenge, issued_at=at.clock.now())
    assert at.say(code=in_time)["accepted"], "it was read in its last second"
    answering = world.live_code(challenge=second, issued_at=at.clock.now())
    assert at.say(code=answering)["reasons"] == ["wrong_gate"], "one answer, and both are over"


def test_what_answers_a_dead_challenge_is_refused(world: World, tmp_path: Path) -> None:
    at = high(world, tmp_path)
    challenge = parse_gate_challenge(at.say(challenge=True)["challenge"])
    at.clock.advance(seconds=90)
    at.say(challenge=True)
    at.clock.advance(seconds=30)
    late = world.live_code(challenge=challenge, issued_at=at.clock.now())
    assert at.say(code=late)["reasons"] == ["wrong_gate"]
    at.clock.set(NOON - timedelta(minutes=5))
    assert parse_gate_challenge(at.say(challenge=True)["challenge"]) != challenge
    at.clock.set(NOON + timedelta(hours=9))
    late = world.live_code(challenge=challenge, issued_at=at.clock.now())
    assert at.say(code=late)["reasons"] == ["wrong_gate"], "nobody was there to renew it"


def test_a_terminal_that_nobody_uses_renews_its_challenge_by_itself(world: World, tmp_path: Path) -> None:
    at = high(world, tmp_path)
    out, err = StringIO(), StringIO()
    waits: list[float | None] = []

    def next_line(seconds: float | None) -> str | None:
        """Say nothing for as long as the screen waits, three times; then answer what it shows."""
        waits.append(seconds)
        if len(waits) <= 3:
            at.clock.advance(seconds=seconds or 0)
            raise Silence
        if len(waits) > 4:
            raise EOFError
        shown = parse_gate_challenge("VG1:" + out.getvalue().rsplit("VG1:", 1)[1].strip())
        return world.live_code(challenge=shown, issued_at=at.clock.now())

    here = GateWorld(BytesIO(), out, err, at.clock, SeededEntropy("x"), dead_network, lambda _: None)
    Screen(at.gate, here, "en", next_line).serve()
    challenges = re.findall("VG1:.*", out.getvalue())
    assert len(challenges) == len(set(challenges)) == 5, "at the start, after each silence, and after the answer"
    assert waits == [90, 90, 90, 90, 90]
    assert "VALID" in out.getvalue()
    assert "valid: 1" in err.getvalue().lower()


def test_lines_are_waited_for_and_silence_is_told(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb") as other:
        waiting = Waiting(lines_of(stream))
        with pytest.raises(Silence):
            waiting.next(0)
        other.write(b"one\n")
        other.flush()
        assert waiting.next(None) == "one"
        with pytest.raises(Silence):
            waiting.next(0)
        other.close()
        for _ in range(2):
            with pytest.raises(EOFError):
                waiting.next(None)


def test_in_high_mode_paper_is_not_enough(world: World, tmp_path: Path) -> None:
    found = high(world, tmp_path).say(code=world.document_code())
    assert (found["verdict"], found["accepted"], found["refused_for"]) == ("valid", False, ["high"])


# ── a profile ──


def test_policy_is_told_apart_from_authenticity(post: Callable[..., Post], world: World) -> None:
    for profile, rule in (
        (Profile(utilities=frozenset({"identity"})), "utility"),
        (Profile(claims=frozenset({"full_name"})), "claims"),
        (Profile(needs=frozenset({"full_name", "birth_date"})), "needs"),
        (Profile(minimum_age=18), "minimum_age"),
    ):
        found = post(profile=profile).say(code=world.document_code())
        assert (found["verdict"], found["accepted"], found["outcome"]) == ("valid", False, "not_accepted")
        assert found["refused_for"] == [rule]
    found = post().say(code=world.document_code(recipient="Trường Mẫu"))
    assert found["refused_for"] == ["recipient"]
    both = Profile(recipients=frozenset({"Trường Mẫu"}), utilities=frozenset({"residence"}))
    assert post(profile=both).say(code=world.document_code(recipient="Trường Mẫu"))["accepted"]


def days(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("birth", "old_enough"),
    [
        (days("2008-03-02"), True), (days("2008-03-03"), False), (days("1948-01-01"), True),
        (days("2030-01-01"), False), ("2007", True), ("2008", False), (None, False), ("junk", False),
        (-(10**12), False), (True, False),
    ],
)  # fmt: skip
def test_an_age_is_told_as_yes_or_no_and_no_birthday(
    post: Callable[..., Post], world: World, birth: Any, old_enough: bool
) -> None:
    claims = NAME_AND_TAIL if birth is None else {**NAME_AND_TAIL, 3: birth}
    found = post(profile=Profile(minimum_age=18)).say(code=world.document_code(claims=claims))
    assert (found["accepted"], found["age_reached"]) == (old_enough, old_enough)
    assert "birth_date" not in {claim.get("name") for claim in found["document"]["claims"]}


def test_a_claim_that_says_the_age_itself_is_enough() -> None:
    from wallet.verifier.judgement import VerifiedClaim, VerifiedDocument
    from wallet.verifier.reasons import Verdict

    for name, value, minimum, wanted in (
        ("over_18", True, 18, True), ("age_over_21", True, 18, True), ("over_18", True, 21, False),
        ("over_18", False, 18, False), ("over_18", 1, 18, False),
    ):  # fmt: skip
        claims = (VerifiedClaim(9, value, name),)
        document = VerifiedDocument("doc_", "X", {}, "identity", 1, None, NOON, NOON, None, claims, None, None)
        judgement = Judgement(Verdict.VALID, ("ok",), True, (1,), document, None, NOON, 0)
        assert Profile(minimum_age=minimum).is_old_enough(judgement) is wanted


def test_midnight_in_hanoi_is_the_birthday(post: Callable[..., Post], world: World) -> None:
    at = post(profile=Profile(minimum_age=18))
    code = world.document_code(claims={3: days("2008-03-03")})
    for moment, old_enough in ((datetime.fromisoformat("2026-03-02T16:59:59Z"), False), (NOON.replace(hour=17), True)):
        at.clock.set(moment)
        assert at.say(code=code)["age_reached"] is old_enough


@pytest.mark.parametrize(
    "content",
    [
        [], None, {"what": 1}, {"utilities": "identity"}, {"claims": [1]}, {"minimum_age": "18"}, {"minimum_age": -1},
        {"minimum_age": True}, {"purpose": "A B"}, {"title": "x"}, {"recipients": None},
        {"needs": "full_name"},
    ],
)  # fmt: skip
def test_a_profile_that_is_none_is_refused(content: Any) -> None:
    with pytest.raises(ProfileRefused):
        profile_of(content)


def test_a_profile_is_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text('{"title": {"vi": "Cửa 3", "en": "Gate 3"}, "utilities": ["identity"], "minimum_age": 16}', "utf-8")
    assert read_profile(path) == Profile({"vi": "Cửa 3", "en": "Gate 3"}, frozenset({"identity"}), minimum_age=16)
    for content in (b"", b"{", b"x" * 70_000, b"[" * 60_000):
        path.write_bytes(content)
        with pytest.raises(ProfileRefused):
            read_profile(path)
    with pytest.raises(ProfileRefused):
        read_profile(tmp_path)


# ── outcomes ──


def test_every_reason_has_an_outcome_with_its_look_and_words() -> None:
    found = set()
    for reason in ("ok", *REASONS):
        judgement = Judgement(VERDICT_OF[reason], (reason,), reason == "ok", (1,), None, None, NOON, 0)
        found.add(outcome_of(judgement))
    assert found == set(Outcome) == set(LOOKS)
    for language in ("vi", "en"):
        texts = catalogue(language)["verifier"]
        assert {f"{part}.{each}" for each in Outcome for part in ("outcome", "next")} <= set(texts)
    green = [outcome for outcome, look in LOOKS.items() if look.colour == "green"]
    assert green == [Outcome.VALID]


def test_what_is_final_outweighs_what_passes() -> None:
    def of(*reasons: str) -> Outcome:
        return outcome_of(Judgement(VERDICT_OF["revoked"], reasons, False, (1,), None, None, NOON, 0))

    assert of("trust_stale", "expired", "revoked") is Outcome.REVOKED
    assert of("status_stale", "live_too_old") is Outcome.TOO_OLD
    assert of("expired", "live_too_old") is Outcome.EXPIRED


# ── as a command ──

SERVED = """
import sys
from datetime import datetime
import wallet.verifier.__main__ as verifier
class Clock:
    def now(self):
        return datetime.fromisoformat("2026-03-02T05:00:00+00:00")
verifier.SystemClock = Clock
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"a socket: {event}")
sys.addaudithook(refuse)
sys.exit(verifier.main(sys.argv[1:]))
"""


def serving(world: World, store: Path, *more: str) -> "subprocess.Popen[bytes]":
    arguments = ["gate", "--store", str(store), "--pin", world.pins[0], *more]
    command = [sys.executable, "-c", SERVED, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said(process: "subprocess.Popen[bytes]", line: str) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


@pytest.fixture
def store(world: World, tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    Held(folder, world.pins).offer(world.bundle(), NOON)
    return folder


def test_a_gate_that_is_killed_still_knows_what_it_saw(world: World, store: Path) -> None:
    live = json.dumps({"id": 1, "code": world.live_code()})
    first = serving(world, store, "--json", "--gate", "C3")
    assert said(first, live)["accepted"]
    first.kill()
    first.wait(120)
    for stream in (first.stdin, first.stdout, first.stderr):
        if stream is not None:
            stream.close()
    with serving(world, store, "--json", "--gate", "C3") as second:
        again = said(second, live)
        assert (again["reasons"], again["outcome"]) == (["live_replayed"], "already_scanned")
        assert again["first_seen"] == {"at": "2026-03-02T05:00:00Z", "gate": "C3"}
        assert said(second, "garbage")["error"] == "line"
        assert said(second, json.dumps({"code": world.document_code()}))["accepted"]
        assert second.communicate(timeout=120)[1] == b""
    assert second.returncode == 0


def test_people_see_one_large_verdict_a_line(world: World, store: Path) -> None:
    with serving(world, store, "--gate", "C3") as process:
        lines = [world.document_code(), "", "nonsense", world.live_code(), world.live_code()]
        lines += [str(picture(world.document_code(), store / "former.png")), "x" * (MAX_LINE_BYTES + 1)]
        out, err = process.communicate("\n".join(lines).encode(), timeout=120)
    text = out.decode()
    heads = [line for line in text.splitlines() if line.startswith("====")]
    assert [head.strip("= ") for head in heads] == [
        "✓ HỢP LỆ  |  VALID",
        "- KHÔNG PHẢI MÃ CỦA VÍ  |  NOT A WALLET CODE",
        "✓ HỢP LỆ  |  VALID",
        "? ĐÃ QUÉT LÚC 12:00, CỬA C3  |  ALREADY SCANNED AT 12:00, GATE C3",
        "- KHÔNG PHẢI MÃ CỦA VÍ  |  NOT A WALLET CODE",
        "? CHƯA KẾT LUẬN ĐƯỢC  |  CANNOT TELL",
    ]
    assert text.count(SAMPLE_MARK) == 6
    assert "Được quét lần đầu lúc 2026-03-02 12:00:00 +07:00, tại cửa C3" in text
    assert "so họ tên và ngày sinh" in text
    assert "\x1b" not in text + err.decode()
    assert "Gói tin cậy còn mới" in err.decode()
    assert "HỢP LỆ: 2" in err.decode()
    assert process.returncode == 0


def test_in_high_mode_people_see_the_challenge(world: World, store: Path) -> None:
    with serving(world, store, "--gate", "C3", "--high", "--lang", "en") as process:
        out, _ = process.communicate(world.live_code().encode(), timeout=120)
    assert out.decode().count("VG1:") == 2
    assert "120 seconds left" in out.decode()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (["--high"], "high_needs_gate"),
        (["--gate", "a b"], "gate"),
        (["--receipts"], "purpose"),
        (["--receipts", "--purpose", "A B"], "purpose"),
        (["--profile", "/nonexistent"], "profile"),
        (["--url", "ftp://x"], "address"),
        (["--every", "1", "--url", "https://x"], "usage"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_line(
    world: World, store: Path, capsys: pytest.CaptureFixture[str], more: list[str], error: str
) -> None:
    assert main(["gate", "--store", str(store), "--pin", world.pins[0], "--json", *more]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == error


def test_a_gate_with_nothing_to_judge_by_does_not_start(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.verifier.test_fetching import answer, dead_address, server

    arguments = ["gate", "--store", str(tmp_path / "s"), "--json", "--pin"]
    assert main([*arguments, world.pins[0]]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["error"] == "no_bundle"
    assert "refresh --url" in found["next"]
    assert main([*arguments, world.pins[0], "--url", dead_address()]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "bundle_refused"
    with server(answer(200, world.bundle().encode())) as url:
        assert main([*arguments, "0" * 64, "--url", url]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "pin_wrong"


def test_a_gate_with_a_network_that_is_dead_goes_on(
    world: World, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.verifier.test_fetching import dead_address

    line = json.dumps({"code": world.document_code(issuer="VN-XX")})
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(line.encode())))
    assert main(["gate", "--store", str(store), "--pin", world.pins[0], "--json", "--url", dead_address()]) == 0
    assert "unknown_issuer" in json.loads(capsys.readouterr().out)["reasons"]
