"""COSE libraries that others wrote check the codes built here, and the second reader takes the codes they make.

Skipped where their environment is missing; requirements/oracle.txt says what is in it.
"""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import builder, reader

NOW = 1_790_000_000
HERE = Path(__file__).parent
PYTHON = HERE.parent.parent / ".oracle" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no environment .oracle")


@pytest.fixture(scope="module")
def world():
    return builder.make_world(1, NOW)


def run(mode, lines):
    """Return the answers of cose_second.py to these lines."""
    command = [str(PYTHON), str(HERE / "cose_second.py"), mode]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, check=True, encoding="utf-8")
    return [json.loads(line) for line in done.stdout.splitlines()]


def certificate(world, name="doc"):
    return base64.b64encode(world.keys[name].der).decode("ascii")


def test_libraries_find_the_same_signatures_good_and_bad(world):
    der = certificate(world)
    kid = "hex:" + world.keys["doc"].kid.hex()
    wanted = [case for case in builder.hostile_codes(world) if case[2] in (["ok"], ["bad_signature"])]
    answers = run("verify", [{"code": code, "certificate_der_b64": der} for _, code, _ in wanted])
    good = 0
    for (name, _, reasons), answer in zip(wanted, answers, strict=True):
        if reasons == ["bad_signature"]:
            assert (name, answer["verified"], answer["libraries"]["pycose"]) == (name, False, False)
        elif answer["verified"]:
            assert (answer["headers"]["4"], answer["headers"]["16"]) == (kid, "viso-doc+cwt")
            good += 1
        else:
            assert name.startswith(("key-", "iat-at-", "exp-at-end", "other-issuer")), name  # signed by another key
    assert good > 90


@pytest.mark.parametrize("library", ["pycose", "cwt"])
def test_codes_made_by_others_are_valid(world, library):
    key = world.keys["doc"].private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    claims = {
        "1": "VN-MAU",
        "6": NOW - 60,
        "4": NOW + 86400,
        "7": "hex:" + "ab" * 16,
        "-70000": {"1": "residence", "2": 1, "3": {"1": "Nguyễn Văn An", "4": -7305}},
    }
    line = {"private_key_pem": key, "certificate_der_b64": certificate(world), "claims": claims, "library": library}
    (made,) = run("sign", [line])
    answer = reader.read(made["code"], world.bundle(), [world.pin], NOW)
    assert (answer.reasons, answer.document_id) == (["ok"], "ab" * 16)
    assert answer.claims == {1: "Nguyễn Văn An", 4: -7305}


def test_a_bad_line_does_not_end_the_others(world):
    line = {"code": world.code(), "certificate_der_b64": certificate(world)}
    answers = run("verify", [{"code": "x"}, [], {**line, "code": "VD1:A"}, line])
    assert [answer["verified"] for answer in answers] == [False, False, False, True]
