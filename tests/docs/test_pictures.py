"""The README's picture is what its script makes, and it is a code like any other."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from wallet.documents import qr_image
from wallet.formats.cwt_code import parse_document_code
from wallet.formats.trust_bundle import parse_bundle
from wallet.verifier.__main__ import main as verifier

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
AT = "2026-03-02T06:00:00Z"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_pictures_make", PICTURES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(name: str) -> str:
    return (PICTURES / name).read_text(encoding="utf-8").removesuffix("\n")


def test_picture_is_what_the_script_makes(script: ModuleType) -> None:
    # Held against the signed bytes: another build of zlib may deflate the same bytes otherwise (docs/wire.md).
    assert parse_document_code(_read("code.txt")) == parse_document_code(script.sample_code())
    assert _read("code.svg") == qr_image.svg(_read("code.txt"))


def test_bundle_is_what_the_script_makes(script: ModuleType) -> None:
    bundle, pin = script.sample_bundle()
    assert _read("bundle.pin") == pin
    committed = parse_bundle(_read("bundle.jws")).verify(frozenset({pin}))
    made = parse_bundle(bundle).verify(frozenset({pin}))
    assert (committed.issuers, committed.types, committed.seq) == (made.issuers, made.types, made.seq)


def test_sample_code_is_valid_in_its_own_time(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", _read("code.txt"), "--bundle", str(PICTURES / "bundle.jws"), "--pin", _read("bundle.pin")]
    assert verifier([*arguments, "--at", AT]) == 0
    assert "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in capsys.readouterr().out
    # By today its bundle is stale: no verdict is ever "valid" from an old bundle.
    assert verifier([*arguments, "--at", "2026-04-01T00:00:00Z"]) == 2


def test_sample_keys_are_in_no_file() -> None:
    names = {path.name for path in PICTURES.iterdir() if path.is_file()}
    assert names == {"make.py", "code.txt", "code.svg", "bundle.jws", "bundle.pin"}
