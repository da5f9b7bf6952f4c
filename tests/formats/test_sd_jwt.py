"""SD-JWT VC: what is issued and shown is read, and the refusals of RFC 9901, section 7, one by one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.formats.sd_jwts import AUDIENCE, DEMAND, NONCE, SECONDS, VCT, Makers, digest, disclosure, packed, plain
from tests.support import NOON, SeededEntropy
from wallet.crypto import jws
from wallet.errors import Malformed, VerificationFailed, WalletError
from wallet.formats.claims_set import StatusReference
from wallet.formats.disclosures import hide_member
from wallet.formats.hiding import hide
from wallet.formats.key_binding import Binding, Demand
from wallet.formats.sd_jwt import MAX_CHARACTERS, MAX_DISCLOSURES, sign_sd_jwt
from wallet.formats.sd_jwt_vc import (
    NEVER_HIDDEN,
    Credential,
    certificate_chain,
    parse_credential,
    present_credential,
    sign_credential,
)

CLAIMS: dict[str, Any] = {
    "full_name": "Nguyễn Văn Ấn",
    "birth_date": "1948",
    "places": ["Hà Nội", "Huế"],
    "members": [
        {"full_name": "Trần Thị Sáu", "relation": "vợ"},
        {"full_name": "Nguyễn Văn Đời", "relation": "con", "birth_date": "2001-02-03"},
    ],
    "permanent": True,
}
NAME = disclosure("salt-of-22-characters", "full_name", "Ấn")


@pytest.fixture(scope="module")
def makers() -> Makers:
    return Makers()


def issued(makers: Makers, claims: dict[str, Any] = CLAIMS, seed: str = "issue", **changes: Any) -> str:
    made = {
        "issuer": "https://vi.example.vn",
        "vct": VCT,
        "integrity": "sha256-AAAA",
        "issued_at": NOON - timedelta(hours=1),
        "expires_at": NOON + timedelta(days=1),
        "holder_key": makers.holder_jwk,
        "status": StatusReference(7, "https://vi.example.vn/v1/status-lists/1"),
    } | changes
    hidden = hide(claims, SeededEntropy(seed), members=9, parts={"members": 3})
    return sign_credential(Credential(**made), hidden, makers.issuer)


def shown(makers: Makers, *paths: tuple[Any, ...], text: str = "") -> str:
    binding = Binding(makers.holder, AUDIENCE, NONCE, NOON)
    return present_credential(text or issued(makers), paths, binding)


def code_of(call: Any, *arguments: Any, **options: Any) -> str:
    """Return the code of the refusal, whichever of the two kinds it is; a pass is a failure of the test."""
    with pytest.raises((Malformed, VerificationFailed)) as refused:
        call(*arguments, **options)
    return refused.value.code


# What is made is read


def test_what_is_issued_is_read_whole(makers: Makers) -> None:
    found = makers.check(issued(makers))
    assert found.claims == CLAIMS
    assert (found.issuer, found.vct, found.integrity) == ("https://vi.example.vn", VCT, "sha256-AAAA")
    assert (found.issued_at, found.expires_at) == (SECONDS - 3600, SECONDS + 86_400)
    assert found.status == StatusReference(7, "https://vi.example.vn/v1/status-lists/1")
    assert (found.bound, found.other_status) == (False, False)


def test_header_names_the_key_and_the_certificate_without_the_root(makers: Makers) -> None:
    read = parse_credential(issued(makers))
    assert read.header["typ"] == "dc+sd-jwt"
    assert read.header["kid"] == makers.issuer.kid
    assert certificate_chain(read) == (makers.issuer.certificate_der,)


@pytest.mark.parametrize(
    ("paths", "claims"),
    [
        ([], {}),
        ([("full_name",)], {"full_name": "Nguyễn Văn Ấn"}),
        ([("places", 1)], {"places": ["Huế"]}),
        ([("places", None)], {"places": ["Hà Nội", "Huế"]}),
        ([("members",)], {"members": CLAIMS["members"]}),
        ([("members", 1, "relation")], {"members": [{"relation": "con"}]}),
        ([("members", None, "full_name")], {"members": [{"full_name": n["full_name"]} for n in CLAIMS["members"]]}),
        ([("members", None, "birth_date")], {"members": [{}, {"birth_date": "2001-02-03"}]}),
        ([("birth_date",), ("permanent",)], {"birth_date": "1948", "permanent": True}),
    ],
)
def test_holder_shows_what_is_wanted_and_nothing_else(makers: Makers, paths: Any, claims: dict[str, Any]) -> None:
    found = makers.check(shown(makers, *paths), DEMAND)
    assert found.claims == claims
    assert found.bound


@pytest.mark.parametrize("path", [("number",), ("places", 2), ("places", "x"), ("full_name", 0), ("members", 0, "x")])
def test_path_that_leads_nowhere_is_refused(makers: Makers, path: tuple[Any, ...]) -> None:
    assert code_of(shown, makers, path) == "malformed"


def test_what_was_shown_is_not_shown_on(makers: Makers) -> None:
    once = shown(makers, ("full_name",))
    assert code_of(present_credential, once, [("full_name",)]) == "malformed"


def test_what_is_not_shown_leaves_no_trace_of_its_words(makers: Makers) -> None:
    text = shown(makers, ("full_name",))
    payload = jws.json_object(parse_credential(text).signed.payload)
    assert payload.keys() == {"iss", "iat", "exp", "vct", "vct#integrity", "cnf", "status", "_sd", "_sd_alg"}
    assert len(text.split("~")) == 3


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_number_of_digests_says_nothing_about_the_number_of_claims(makers: Makers, count: int) -> None:
    text = issued(makers, dict(list({f"claim_{n}": n for n in range(9)}.items())[:count]))
    payload = jws.json_object(parse_credential(text).signed.payload)
    assert len(payload["_sd"]) == len(set(payload["_sd"])) == 9
    assert payload["_sd"] == sorted(payload["_sd"])


@pytest.mark.parametrize(("elements", "digests"), [(0, 4), (1, 4), (4, 4), (5, 8)])
def test_arrays_and_records_are_filled_up(elements: int, digests: int) -> None:
    hidden = hide({"members": [{"a": n} for n in range(elements)]}, SeededEntropy(), parts={"members": 3})
    by_name = {found.name: found.value for found in hidden.disclosures}
    assert len(by_name["members"]) == digests
    records = [found.value for found in hidden.disclosures if isinstance(found.value, dict)]
    assert [len(record["_sd"]) for record in records] == [3] * elements


def test_two_copies_have_nothing_in_common(makers: Makers) -> None:
    one, other = (issued(makers, seed=seed) for seed in ("a", "b"))
    digests = [set(jws.json_object(parse_credential(text).signed.payload)["_sd"]) for text in (one, other)]
    assert not digests[0] & digests[1]
    assert not set(one.split("~")[1:-1]) & set(other.split("~")[1:-1])


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512", None])
def test_every_hash_that_is_known_is_read(makers: Makers, algorithm: str | None) -> None:
    found = digest(NAME, (algorithm or "sha-256").replace("-", ""))
    text = makers.credential(plain(_sd=[found], _sd_alg=algorithm), [NAME])
    assert makers.check(text).claims == {"full_name": "Ấn"}


def test_nobody_is_bound_who_was_given_no_key(makers: Makers) -> None:
    text = issued(makers, holder_key=None, status=None)
    found = makers.check(text)
    assert (found.status, found.bound) == (None, False)
    assert code_of(makers.check, shown(makers, text=text), DEMAND) == "device_mismatch"


@pytest.mark.parametrize(
    "name", ["iss", "exp", "cnf", "vct", "status", "aka_vcts", "sub", "iat", "_sd", "...", "_sd_alg"]
)
def test_claim_with_a_name_of_the_format_is_not_issued(makers: Makers, name: str) -> None:
    assert code_of(issued, makers, {name: "x"}) == "malformed"
    assert code_of(issued, makers, {"members": [{"_sd": "x"}]}) == "malformed"


@pytest.mark.parametrize("name", ["full_name", "_sd", "...", "_sd_alg"])
def test_claim_is_not_both_shown_and_hidden(makers: Makers, name: str) -> None:
    hidden = hide({"full_name": "Ấn"}, SeededEntropy())
    assert code_of(sign_sd_jwt, {name: "x"}, hidden, makers.issuer, typ="x") == "malformed"


def test_more_than_is_read_is_not_issued(makers: Makers) -> None:
    assert code_of(issued, makers, {"guests": list(range(MAX_DISCLOSURES))}) == "malformed"
    assert code_of(issued, makers, {"text": "x" * MAX_CHARACTERS}) == "malformed"


def test_nothing_hidden_is_an_sd_jwt_too(makers: Makers) -> None:
    text = makers.credential(plain(_sd_alg=None, permanent=True))
    assert text.endswith("~")
    assert makers.check(text).claims == {"permanent": True}


# The issuer's JWT


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"typ": "vc+sd-jwt"}, "wrong_type"),
        ({"typ": "JWT"}, "wrong_type"),
        ({"typ": "kb+jwt"}, "wrong_type"),
        ({"typ": "statuslist+jwt"}, "wrong_type"),
        ({"typ": "viso-bundle+jwt"}, "wrong_type"),
        ({"typ": "DC+SD-JWT"}, "wrong_type"),
        ({"typ": "application/dc+sd-jwt"}, "wrong_type"),
        ({"typ": None}, "malformed"),
        ({"typ": 1}, "malformed"),
        ({"alg": "none"}, "key_not_allowed"),
        ({"alg": "None"}, "key_not_allowed"),
        ({"alg": "HS256"}, "key_not_allowed"),
        ({"alg": "RS256"}, "key_not_allowed"),
        ({"alg": "ES384"}, "key_not_allowed"),
        ({"alg": "EdDSA"}, "key_not_allowed"),
        ({"alg": None}, "malformed"),
        ({"crit": ["exp"]}, "malformed"),
        ({"crit": [], "b64": False}, "malformed"),
    ],
)
def test_header_that_is_another_is_refused(makers: Makers, header: dict[str, Any], code: str) -> None:
    assert code_of(makers.check, makers.credential(plain(), **header)) == code


def test_key_in_the_header_is_never_taken(makers: Makers) -> None:
    stranger = Makers()
    text = "~".join((makers.jwt(plain(), stranger.issuer, jwk=stranger.holder_jwk, jku="https://x.vn/jwks"), ""))
    assert code_of(makers.check, text) == "bad_signature"


def test_unsigned_jwt_is_refused(makers: Makers) -> None:
    head, body, _ = makers.jwt(plain(), alg="none").split(".")
    assert code_of(makers.check, f"{head}.{body}.~") == "key_not_allowed"
    head, body, _ = makers.jwt(plain()).split(".")
    assert code_of(makers.check, f"{head}.{body}.~") == "bad_signature"


def test_public_key_is_no_shared_secret(makers: Makers) -> None:
    """Algorithm confusion: an HMAC keyed with what everybody knows of the issuer."""
    import hashlib
    import hmac

    signing_input = packed({"alg": "HS256", "typ": "dc+sd-jwt"}) + "." + packed(plain())
    mac = hmac.new(makers.issuer.certificate_der, signing_input.encode(), hashlib.sha256).digest()
    assert code_of(makers.check, f"{signing_input}.{packed(mac)}~") == "key_not_allowed"
    signing_input = packed({"alg": "ES256", "typ": "dc+sd-jwt"}) + "." + packed(plain())
    for signature in (mac, mac * 2, bytes(64)):
        assert code_of(makers.check, f"{signing_input}.{packed(signature)}~") == "bad_signature"


def test_another_issuer_is_refused(makers: Makers) -> None:
    assert code_of(Makers().check, issued(makers)) == "bad_signature"


def test_every_part_changed_is_refused(makers: Makers) -> None:
    """One character of each 17 of an SD-JWT+KB: whatever it was, the whole no longer holds."""
    text = shown(makers, ("members", 1))
    for place in range(0, len(text), 17):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert code_of(makers.check, changed, DEMAND)


@pytest.mark.parametrize("algorithm", ["sha-1", "md5", "SHA-256", "", "sha3-256", 256, None, ["sha-256"]])
def test_hash_that_is_not_known_is_refused(makers: Makers, algorithm: Any) -> None:
    payload = plain(_sd=[digest(NAME)]) | {"_sd_alg": algorithm}
    assert code_of(makers.check, makers.credential(payload, [NAME])) == "malformed"


@pytest.mark.parametrize(
    ("changes", "after", "code"),
    [
        ({}, 86_400 + 60, "expired"),
        ({"exp": SECONDS - 60}, 0, "expired"),
        ({"iat": SECONDS + 61}, 0, "not_yet_valid"),
        ({"nbf": SECONDS + 61}, 0, "not_yet_valid"),
        ({"exp": "tomorrow"}, 0, "malformed"),
        ({"exp": 1e99}, 0, "malformed"),
        ({"exp": True}, 0, "malformed"),
        ({"iat": 1.5}, 0, "malformed"),
        ({"nbf": [1]}, 0, "malformed"),
        ({"vct": None}, 0, "malformed"),
        ({"vct": ""}, 0, "malformed"),
        ({"vct": 5}, 0, "malformed"),
        ({"vct#integrity": 5}, 0, "malformed"),
        ({"iss": 5}, 0, "malformed"),
        ({"status": "ok"}, 0, "malformed"),
        ({"status": {"status_list": {"idx": -1, "uri": "x"}}}, 0, "malformed"),
        ({"aud": "https://other.example"}, 0, "policy_refused"),
        ({"aud": ["https://other.example"]}, 0, "policy_refused"),
        ({"aud": [5]}, 0, "malformed"),
    ],
)
def test_claims_that_do_not_hold_are_refused(makers: Makers, changes: dict[str, Any], after: int, code: str) -> None:
    text = makers.credential(plain(**changes))
    assert code_of(makers.check, text, now=NOON + timedelta(seconds=after)) == code


@pytest.mark.parametrize(
    ("changes", "after"),
    [({}, 86_400 + 59), ({"iat": SECONDS + 60}, 0), ({"nbf": SECONDS + 60}, 0), ({"iat": None, "exp": None}, 0)],
)
def test_skew_of_a_minute_is_allowed(makers: Makers, changes: dict[str, Any], after: int) -> None:
    makers.check(makers.credential(plain(**changes)), now=NOON + timedelta(seconds=after))


def test_audience_that_is_this_verifier_is_taken(makers: Makers) -> None:
    text = makers.credential(plain(aud=[AUDIENCE, "https://other.example"], cnf=makers.cnf))
    assert code_of(makers.check, text) == "policy_refused"
    assert makers.check(makers.bound(text), DEMAND).bound


def test_another_status_mechanism_is_told(makers: Makers) -> None:
    found = makers.check(makers.credential(plain(status={"other": 1})))
    assert (found.status, found.other_status) == (None, True)


# Disclosures


@pytest.mark.parametrize("name", sorted(NEVER_HIDDEN))
def test_what_a_verifier_judges_by_cannot_be_hidden(makers: Makers, name: str) -> None:
    values = {"exp": SECONDS + 5, "nbf": SECONDS - 5, "cnf": makers.cnf, "aka_vcts": ["x"]}
    hidden = disclosure("s", name, values.get(name, "x"))
    payload = plain(**{name: None}) | {"_sd": [digest(hidden)]}
    if name == "status":
        hidden = disclosure("s", name, {"status_list": {"idx": 1, "uri": "x"}})
        payload["_sd"] = [digest(hidden)]
    assert code_of(makers.check, makers.credential(payload, [hidden])) == "malformed"


@pytest.mark.parametrize("name", ["status", "cnf", "aka_vcts"])
def test_no_part_of_what_a_verifier_judges_by_can_be_hidden(makers: Makers, name: str) -> None:
    member, element = disclosure("s", "part", 1), disclosure("s", 1)
    for part, hidden in ((member, {"_sd": [digest(member)]}), (element, [{"...": digest(element)}])):
        assert code_of(makers.check, makers.credential(plain(**{name: hidden}), [part])) == "malformed"


def test_disclosure_that_belongs_nowhere_is_refused(makers: Makers) -> None:
    assert code_of(makers.check, makers.credential(plain(), [NAME])) == "malformed"
    assert code_of(makers.check, makers.credential(plain(_sd=[digest("x")]), [NAME])) == "malformed"
    inner = disclosure("s", "street", "Lê Lợi")
    outer = disclosure("s", "address", {"_sd": [digest(inner)]})
    held = makers.credential(plain(_sd=[digest(outer)]), [inner, outer])
    assert makers.check(held).claims == {"address": {"street": "Lê Lợi"}}
    assert code_of(makers.check, makers.credential(plain(_sd=[digest(outer)]), [inner])) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd": [digest(NAME), digest(NAME)]},
        {"_sd": [digest(NAME)], "address": {"_sd": [digest(NAME)]}},
        {"_sd": [digest(NAME)], "places": [{"...": digest(NAME)}]},
        {"_sd": [digest(NAME), digest("decoy"), digest("decoy")]},
        {"_sd": [digest(NAME)], "places": [{"...": digest("decoy")}, {"...": digest("decoy")}]},
    ],
)
def test_digest_twice_is_refused(makers: Makers, payload: dict[str, Any]) -> None:
    assert code_of(makers.check, makers.credential(plain(**payload), [NAME])) == "malformed"


def test_digest_of_a_disclosure_within_itself_is_refused(makers: Makers) -> None:
    inner = disclosure("s", "b", 1)
    outer = disclosure("s", "a", {"_sd": [digest(inner), digest(NAME)]})
    text = makers.credential(plain(_sd=[digest(outer), digest(NAME)]), [outer, inner, NAME])
    assert code_of(makers.check, text) == "malformed"


def test_disclosure_twice_is_refused(makers: Makers) -> None:
    assert code_of(makers.check, makers.credential(plain(_sd=[digest(NAME)]), [NAME, NAME])) == "malformed"


@pytest.mark.parametrize(
    "items",
    [
        ["s", "_sd", []],
        ["s", "...", "x"],
        ["s", "_sd_alg", "sha-512"],
        ["s", "iat", 1],
        ["s", "vct", "other"],
        ["s", 5, "x"],
        ["s", None, "x"],
        [5, "full_name", "x"],
        ["s", "x"],
        ["s"],
        [],
        ["s", "a", "b", "c"],
        {"salt": "s"},
        "text",
        ["s", "a", {"...": "x"}],
        ["s", "a", {"_sd": "x"}],
        ["s", "a", {"_sd": [5]}],
        ["s", "a", {"_sd": {}}],
        ["s", "a", [{"...": 5}]],
        ["s", "a", [{"...": "x", "also": 1}]],
        ["s", "a", "\ud800"],
        ["s", "a\udfff", 1],
        ["s", "a", {"b": "\ud800"}],
    ],
)
def test_disclosure_that_is_none_is_refused(makers: Makers, items: Any) -> None:
    text = packed(json.dumps(items).encode())
    assert code_of(makers.check, makers.credential(plain(_sd=[digest(text)]), [text])) == "malformed"


@pytest.mark.parametrize(
    "content",
    [
        b'["s","a",NaN]',
        b'["s","a",Infinity]',
        b'["s","a",1e400]',
        b'["s","a",{"b":1,"b":2}]',
        b'["s","a",1] ',
        b"\xff",
        b'["s","a","\xff"]',
        b'["s","a",',
        b"[" * 5000,
        b'["s","a",' + b"[" * 40 + b"]" * 40 + b"]",
        b'["s","a",' + b"9" * 5000 + b"]",
        b"",
    ],
)
def test_disclosure_that_is_not_plain_json_is_refused(makers: Makers, content: bytes) -> None:
    text = packed(content)
    if content.endswith(b"] "):  # white space around JSON is JSON: the digest is over the text, whatever it is
        makers.check(makers.credential(plain(_sd=[digest(text)]), [text]))
        return
    assert code_of(makers.check, makers.credential(plain(_sd=[digest(text)]), [text])) == "malformed"


@pytest.mark.parametrize("change", [lambda t: t + "=", lambda t: t + "A", lambda t: "+" + t, lambda t: t + "é"])
def test_disclosure_in_another_alphabet_is_refused(makers: Makers, change: Any) -> None:
    text = change(NAME)
    assert code_of(makers.check, makers.credential(plain(), [text])) == "malformed"


def test_member_is_no_element_and_element_is_no_member(makers: Makers) -> None:
    element = disclosure("s", "Huế")
    assert code_of(makers.check, makers.credential(plain(_sd=[digest(element)]), [element])) == "malformed"
    listed = plain(places=[{"...": digest(NAME)}])
    assert code_of(makers.check, makers.credential(listed, [NAME])) == "malformed"


def test_disclosure_takes_no_place_of_a_claim(makers: Makers) -> None:
    other = disclosure("another-salt", "full_name", "Bình")
    for payload, parts in (
        (plain(full_name="Ấn", _sd=[digest(other)]), [other]),
        (plain(_sd=[digest(other), digest(NAME)]), [other, NAME]),
    ):
        assert code_of(makers.check, makers.credential(payload, parts)) == "malformed"


@pytest.mark.parametrize(
    "payload", [{"...": "x"}, {"a": {"...": "x"}}, {"_sd": None}, {"_sd": "x"}, {"a": {"_sd": [None]}}, {"a": "\ud800"}]
)
def test_reserved_names_in_the_payload_are_refused(makers: Makers, payload: dict[str, Any]) -> None:
    text = makers.credential(json.dumps(plain() | payload).encode())
    assert code_of(makers.check, text) == "malformed"


def test_elements_that_are_not_shown_are_gone(makers: Makers) -> None:
    hue = disclosure("s", "Huế")
    payload = plain(places=["Hà Nội", {"...": digest("decoy")}, {"...": digest(hue)}], empty=[{"...": digest("other")}])
    assert makers.check(makers.credential(payload, [hue])).claims == {"places": ["Hà Nội", "Huế"], "empty": []}


@pytest.mark.parametrize("depth", [8, 40, 900])
def test_disclosures_within_disclosures_have_an_end(makers: Makers, depth: int) -> None:
    parts = [disclosure("s", "a", 1)]
    for _ in range(depth):
        parts.append(disclosure("s", "a", {"_sd": [digest(parts[-1])]}))
    text = makers.credential(plain(_sd=[digest(parts[-1])]), parts)
    if depth < 30:
        assert makers.check(text).claims["a"]
    else:
        assert code_of(makers.check, text) == "malformed"


def test_payload_nested_without_end_is_refused(makers: Makers) -> None:
    for depth in (40, 900, 20_000):
        payload = b'{"vct":"x","a":' + b"[" * depth + b"]" * depth + b"}"
        assert code_of(makers.check, makers.credential(payload)) == "malformed"


# Shape and size


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.rstrip("~"),
        lambda t: t + "~",
        lambda t: "~" + t,
        lambda t: t.replace("~", "~~", 1),
        lambda t: " " + t,
        lambda t: t + "\n",
        lambda t: t + "~x",
        lambda t: t.replace(".", "", 1),
        lambda t: t.replace(".", "..", 1),
        lambda t: "",
        lambda t: "~",
        lambda t: "~~",
        lambda t: "a.b.c~",
        lambda t: t.split("~")[0],
        lambda t: '{"payload": "x", "signatures": []}',
        lambda t: t + "x" * MAX_CHARACTERS,
        lambda t: t + "~" * (MAX_DISCLOSURES + 2),
    ],
)
def test_text_of_another_shape_is_refused(makers: Makers, change: Any) -> None:
    assert code_of(makers.check, change(issued(makers))) == "malformed"


def test_sizes_are_judged_before_work_is_done(makers: Makers) -> None:
    import time

    texts = [
        "~" * 50_000_000,
        "a" * 50_000_000,
        makers.jwt(plain()) + "~" + "WyJzIiwxXQ~" * 400_000,
        "e30." * 1_000_000 + "~",
    ]
    for text in texts:
        begin = time.process_time()
        assert code_of(makers.check, text) == "malformed"
        assert time.process_time() - begin < 0.05


@pytest.mark.parametrize("chain", ["x", [], [5], ["*"], [""] * 5, [["x"]], None])
def test_chain_that_is_none_is_refused(makers: Makers, chain: Any) -> None:
    read = parse_credential(makers.credential(plain(), x5c=chain))
    if chain is None:
        assert certificate_chain(read) == ()
    else:
        assert code_of(certificate_chain, read) == "malformed"


# Key binding


def test_missing_key_binding_is_refused_where_it_is_demanded(makers: Makers) -> None:
    assert code_of(makers.check, issued(makers), DEMAND) == "device_mismatch"


def test_key_binding_that_nobody_demanded_binds_nobody(makers: Makers) -> None:
    stranger = Makers()
    shown_text = makers.credential(plain(cnf=makers.cnf))
    assert not makers.check(makers.bound(shown_text)).bound
    assert not makers.check(makers.bound(shown_text, by=stranger.holder)).bound


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://other.example"}, "wrong_gate"),
        ({"aud": AUDIENCE + "/"}, "wrong_gate"),
        ({"aud": [AUDIENCE]}, "malformed"),
        ({"aud": None}, "malformed"),
        ({"nonce": "another"}, "wrong_gate"),
        ({"nonce": ""}, "wrong_gate"),
        ({"nonce": None}, "malformed"),
        ({"nonce": 5}, "malformed"),
        ({"iat": SECONDS - 360}, "live_too_old"),
        ({"iat": SECONDS + 61}, "live_from_future"),
        ({"iat": None}, "malformed"),
        ({"iat": "now"}, "malformed"),
        ({"iat": True}, "malformed"),
        ({"exp": SECONDS - 60}, "live_too_old"),
        ({"exp": "x"}, "malformed"),
        ({"nbf": SECONDS + 61}, "live_from_future"),
        ({"sd_hash": digest("another")}, "device_mismatch"),
        ({"sd_hash": None}, "malformed"),
        ({"sd_hash": 5}, "malformed"),
    ],
)
def test_key_binding_for_something_else_is_refused(makers: Makers, changes: dict[str, Any], code: str) -> None:
    shown_text = makers.credential(plain(cnf=makers.cnf))
    assert makers.check(makers.bound(shown_text), DEMAND).bound
    assert code_of(makers.check, makers.bound(shown_text, **changes), DEMAND) == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"typ": "JWT"}, "wrong_type"),
        ({"typ": "dc+sd-jwt"}, "wrong_type"),
        ({"typ": "dpop+jwt"}, "wrong_type"),
        ({"typ": None}, "malformed"),
        ({"alg": "none"}, "key_not_allowed"),
        ({"alg": "HS256"}, "key_not_allowed"),
        ({"crit": ["x"]}, "malformed"),
    ],
)
@pytest.mark.parametrize("demand", [DEMAND, None])
def test_key_binding_with_another_header_is_refused(
    makers: Makers, header: dict[str, Any], code: str, demand: Demand | None
) -> None:
    shown_text = makers.credential(plain(cnf=makers.cnf))
    assert code_of(makers.check, makers.bound(shown_text, header), demand) == code


def test_key_binding_by_another_key_is_refused(makers: Makers) -> None:
    shown_text = makers.credential(plain(cnf=makers.cnf))
    stranger = Makers()
    assert code_of(makers.check, makers.bound(shown_text, by=stranger.holder), DEMAND) == "device_mismatch"
    assert code_of(makers.check, makers.bound(shown_text, by=makers.issuer), DEMAND) == "device_mismatch"
    header = {"jwk": stranger.holder_jwk}
    assert code_of(makers.check, makers.bound(shown_text, header, by=stranger.holder), DEMAND) == "device_mismatch"


@pytest.mark.parametrize(
    ("cnf", "code"),
    [
        (None, "device_mismatch"),
        ("x", "device_mismatch"),
        ({}, "device_mismatch"),
        ({"kid": "1"}, "device_mismatch"),
        ({"jkt": "x"}, "device_mismatch"),
        ({"jwk": "x"}, "device_mismatch"),
        ({"jwk": {}}, "malformed"),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, "malformed"),
        ({"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}, "malformed"),
        ({"jwk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}, "malformed"),
        ({"jwk": {"kty": "EC", "crv": "P-384", "x": "A" * 43, "y": "A" * 43}}, "malformed"),
    ],
)
def test_key_binding_needs_a_key_in_the_credential(makers: Makers, cnf: Any, code: str) -> None:
    text = makers.bound(makers.credential(plain(cnf=cnf)))
    assert code_of(makers.check, text, DEMAND) == code


def test_private_key_in_a_credential_binds_nobody(makers: Makers) -> None:
    text = makers.bound(makers.credential(plain(cnf={"jwk": makers.holder_jwk | {"d": "A" * 43}})))
    assert code_of(makers.check, text, DEMAND) == "malformed"


def test_key_binding_of_another_showing_is_refused(makers: Makers) -> None:
    whole, less = shown(makers, ("full_name",), ("birth_date",)), shown(makers, ("full_name",))
    binding = whole.rsplit("~", 1)[1]
    assert code_of(makers.check, less.rsplit("~", 1)[0] + "~" + binding, DEMAND) == "device_mismatch"
    parts = whole.split("~")
    swapped = "~".join([parts[0], parts[2], parts[1], parts[3]])
    assert code_of(makers.check, swapped, DEMAND) == "device_mismatch"


def test_hash_of_the_digests_is_that_of_the_binding(makers: Makers) -> None:
    text = makers.credential(plain(cnf=makers.cnf, _sd_alg="sha-512"))
    assert code_of(makers.check, makers.bound(text), DEMAND) == "device_mismatch"
    assert makers.check(makers.bound(text, sd_hash=digest(text, "sha512")), DEMAND).bound
    again = present_credential(text, [], Binding(makers.holder, AUDIENCE, NONCE, NOON))
    assert makers.check(again, DEMAND).bound


def test_age_of_a_binding_is_the_verifiers_to_choose(makers: Makers) -> None:
    text = makers.bound(makers.credential(plain(cnf=makers.cnf)), iat=SECONDS - 90)
    assert makers.check(text, DEMAND).bound
    assert code_of(makers.check, text, Demand(AUDIENCE, NONCE, timedelta(seconds=30))) == "live_too_old"


def test_refusals_come_in_the_order_of_the_rfc(makers: Makers) -> None:
    """A signature before dates, dates before the holder: nothing is told of what nobody vouches for."""
    old = plain(exp=SECONDS - 86_400, cnf=makers.cnf)
    assert code_of(Makers().check, makers.credential(old), DEMAND) == "bad_signature"
    assert code_of(makers.check, makers.credential(old), DEMAND) == "expired"


def test_reserved_name_is_not_hidden() -> None:
    with pytest.raises(WalletError):
        hide_member("_sd", 1, SeededEntropy())


def test_key_on_another_curve_is_no_holder(makers: Makers) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    numbers = key.public_numbers()
    jwk = {"kty": "EC", "crv": "P-384", "x": str(numbers.x), "y": str(numbers.y)}
    text = makers.bound(makers.credential(plain(cnf={"jwk": jwk})))
    assert code_of(makers.check, text, DEMAND) == "malformed"
