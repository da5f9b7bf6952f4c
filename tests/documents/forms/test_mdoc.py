"""Every document as mdoc: what it says, what it keeps to itself, how it is shown. Source: docs/wire.md, section 6."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.stated import ISSUER_URL, every_example, with_claims
from tests.formats.mdoc.world import DAY, TRANSCRIPT, MdocWorld, raw_signature, root_der
from tests.support import NOON, SeededEntropy
from wallet.crypto.jwk import public_jwk
from wallet.crypto.keystore import REQUIRED, Keystore, Role
from wallet.crypto.signing import LocalSigner
from wallet.documents.forms import mdoc
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc.chain import IacaRoots
from wallet.formats.mdoc.device_response import present
from wallet.formats.mdoc.issuer_signed import parse_issuer_signed
from wallet.formats.mdoc.reader import VerifiedMdoc, verify_device_response, verify_issuer_signed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import plain
from wallet.utilities.base import Kind

COUNTRY = MdocWorld()
DEVICE = public_jwk(COUNTRY.device.public_key())
LIST_URI = f"{ISSUER_URL}/v1/status-lists/1"
NAMES = sorted(every_example())
HOUSEHOLD = "residence/the whole confirmation with both tables, for a bank"


def copy_of(document: StatedDocument, **changes: Any) -> Copy:
    arguments: dict[str, Any] = {
        "issued_at": document.issued_at.replace(minute=0, second=0),
        "expires_at": document.expires_at,
        "status_uri": LIST_URI,
        "status_index": 7,
        "holder_key": DEVICE,
    }
    return Copy(**(arguments | changes))


def signer_at(now: datetime) -> LocalSigner:
    return COUNTRY.signer(not_before=now - 2 * DAY, not_after=now + 450 * DAY)


def made(document: StatedDocument, *, seed: int = 0, signer: LocalSigner | None = None, **changes: Any) -> bytes:
    return mdoc.make(
        document, copy_of(document, **changes), signer or signer_at(document.issued_at), SeededEntropy(f"copy {seed}")
    )


def roots_at(now: datetime) -> IacaRoots:
    return IacaRoots.of([root_der(COUNTRY.root_key, not_before=now - 300 * DAY, not_after=now + 3000 * DAY)])


def read(document: StatedDocument, data: bytes) -> VerifiedMdoc:
    now = document.issued_at
    return verify_issuer_signed(data, roots_at(now), now, doc_type=mdoc.doc_type(document.kind))


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_is_an_element(name: str) -> None:
    document = every_example()[name]
    found = read(document, made(document))
    assert found.doc_type == f"vn.viso.{document.kind.code}.{document.kind.version}"
    (namespace,) = found.elements
    assert namespace == found.doc_type
    elements = found.elements[namespace]
    assert found.status == StatusReference(7, LIST_URI)
    for claim in document.kind.claims:
        stated = document.claims.get(claim.name)
        if claim.kind is Kind.RECORDS:
            records = [plain(value) for key, value in elements.items() if key.startswith(f"{claim.name}/")]
            assert records == [dict(record) for record in stated or ()]
        elif stated is None:
            assert claim.name not in elements
        elif claim.kind is Kind.DAY and len(stated) == 10:
            assert (elements[claim.name].number, elements[claim.name].content) == (1004, stated)
        elif claim.kind is Kind.TIME:
            assert elements[claim.name].number == 0
            assert datetime.fromisoformat(elements[claim.name].content).timestamp() == stated
        else:
            assert elements[claim.name] == (list(stated) if claim.kind is Kind.LIST else stated)


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_nothing_of_the_document_itself(name: str) -> None:
    document = every_example()[name]
    data = made(document)
    for secret in (document.id, document.id[4:], document.salt, document.code):
        assert secret.encode() not in data
    assert bytes.fromhex(document.id[4:]) not in data


def test_the_day_of_who_knows_only_the_year_is_a_text() -> None:
    document = with_claims(every_example()[HOUSEHOLD], birth_date="1948")
    assert read(document, made(document)).elements[mdoc.doc_type(document.kind)]["birth_date"] == "1948"


def test_members_of_a_household_are_shown_one_by_one() -> None:
    document = every_example()[HOUSEHOLD]
    (namespace, members) = mdoc.doc_type(document.kind), document.claims["household_members"]
    assert len(members) > 1
    response = present(
        made(document), {namespace: ["full_name", "household_members/2"]}, TRANSCRIPT, COUNTRY.device_sign
    )
    now = document.issued_at
    (shown,) = verify_device_response(response, roots_at(now), TRANSCRIPT, now)
    assert shown.present
    assert shown.elements == {
        namespace: {"full_name": document.claims["full_name"], "household_members/2": dict(members[1])}
    }
    assert members[0]["full_name"].encode() not in response or members[0]["full_name"] == document.claims["full_name"]


def test_how_many_members_there_are_is_not_told() -> None:
    document = every_example()[HOUSEHOLD]
    namespace = mdoc.doc_type(document.kind)
    counts = set()
    for count in (1, 2):
        fewer = with_claims(document, household_members=document.claims["household_members"][:count])
        counts.add(len(parse_issuer_signed(made(fewer)).mso.digests[namespace]))
    assert len(counts) == 1
    assert counts.pop() % mdoc.FILL == 0


def test_two_copies_share_nothing_that_a_reader_could_link() -> None:
    document = every_example()[HOUSEHOLD]
    other = public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    one = parse_issuer_signed(made(document, seed=1))
    two = parse_issuer_signed(made(document, seed=2, status_index=4711, holder_key=other))
    (digests,), (others,) = one.mso.digests.values(), two.mso.digests.values()
    assert not set(digests.values()) & set(others.values())
    assert one.mso.status != two.mso.status
    assert one.mso.device_key != two.mso.device_key
    assert one.auth.proof != two.auth.proof
    assert (one.mso.signed.minute, one.mso.signed.second) == (0, 0)


def test_it_ends_with_the_certificate_that_signed_it() -> None:
    document = every_example()[HOUSEHOLD]
    begin = document.issued_at.replace(microsecond=0)
    end, soon = begin + 30 * DAY, begin + 10 * DAY
    signer = COUNTRY.signer(not_before=begin, not_after=end)
    found = read(document, made(document, signer=signer, issued_at=begin - timedelta(hours=1)))
    assert (found.signed, found.valid_from, found.valid_until) == (begin, begin, end)
    assert read(document, made(document, expires_at=soon)).valid_until == soon


@pytest.mark.parametrize("days", [-400, 400])
def test_a_certificate_of_another_time_signs_nothing(days: int) -> None:
    document = replace(every_example()[HOUSEHOLD], expires_at=NOON)
    begin = document.issued_at + timedelta(days=days)
    signer = COUNTRY.signer(not_before=begin, not_after=begin + 30 * DAY)
    with pytest.raises(MdocRefused, match="signer_not_valid"):
        made(document, signer=signer, expires_at=document.issued_at + 30 * DAY)


@pytest.mark.parametrize("changes", [{"extended": None}, {"usage": None}, {"not_after": NOON + 4000 * DAY}])
def test_a_signer_without_its_usage_signs_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(MdocRefused, match="signer_profile"):
        made(every_example()[HOUSEHOLD], signer=COUNTRY.signer(**changes))


def test_a_copy_that_is_bound_to_nobody_is_no_mdoc() -> None:
    with pytest.raises(Malformed):
        made(every_example()[HOUSEHOLD], holder_key=None)


@pytest.mark.parametrize(
    "holder_key",
    [
        {}, {"kty": "EC"}, {**DEVICE, "crv": "P-384"}, {**DEVICE, "x": DEVICE["y"]}, {**DEVICE, "x": "AA"},
        {**DEVICE, "kty": "OKP"}, {**DEVICE, "d": "AA"},
    ],
)  # fmt: skip
def test_a_key_of_a_holder_that_is_none_is_refused(holder_key: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        made(every_example()[HOUSEHOLD], holder_key=holder_key)


def test_a_receipt_of_two_hundred_guests_fits_and_of_four_hundred_does_not() -> None:
    name = "lodging_receipt/a hotel tells two guests, one of whom came at half past midnight"
    document = every_example()[name]
    (guest, *_) = document.claims["guest_list"]
    full = with_claims(document, guest_list=[guest] * 200)
    assert len(read(full, made(full)).elements[mdoc.doc_type(full.kind)]) > 200
    with pytest.raises(Malformed):
        made(with_claims(document, guest_list=[guest] * 400))


def test_keys_of_a_deployment_sign_and_are_believed(keys_dir: Path) -> None:
    """The root and the signer that `wallet keys new` makes keep the profile that a reader of other makers asks for."""
    store = Keystore.open(keys_dir)
    roots = IacaRoots.of([key.chain[-1] for key in store.keys(Role.MDOC)])
    document = replace(every_example()[HOUSEHOLD], issued_at=NOON, expires_at=NOON + 300 * DAY)
    namespace = mdoc.doc_type(document.kind)
    data = mdoc.make(document, copy_of(document), store.signer(Role.MDOC), SeededEntropy("copy"))
    response = present(data, {namespace: ["full_name"]}, TRANSCRIPT, lambda m: raw_signature(COUNTRY.device, m))
    (shown,) = verify_device_response(response, roots, TRANSCRIPT, NOON, doc_type=namespace)
    assert (shown.present, list(shown.elements[namespace])) == (True, ["full_name"])


@pytest.mark.parametrize("role", [role for role in REQUIRED if role is not Role.MDOC])
def test_no_other_key_of_a_deployment_signs_an_mdoc(keys_dir: Path, role: Role) -> None:
    document = replace(every_example()[HOUSEHOLD], issued_at=NOON, expires_at=NOON + 300 * DAY)
    with pytest.raises(MdocRefused, match="signer_profile"):
        mdoc.make(document, copy_of(document), Keystore.open(keys_dir).signer(role), SeededEntropy("copy"))
