"""Every refusal is a problem document with a stable code, in the caller's language, and changes nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from wallet.errors import InvalidInput, Malformed, VerificationFailed
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

UNKNOWN_DOCUMENT = "doc_" + "0" * 32
JSON = "application/json"


@pytest.fixture
def citizen(phone_of: Make) -> CitizenPhone:
    return phone_of("an")


def post_raw(citizen: CitizenPhone, body: bytes, content_type: str = JSON) -> Any:
    headers = {"Idempotency-Key": "raw", "Content-Type": content_type}
    return citizen.call("POST", "/v1/requests", data=body, headers=headers)


def test_wrong_field_is_refused_by_its_pointer(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", {"utility": 7}), 422, "invalid_input")
    assert field_errors(body) == {"/utility": "invalid_type"}


def test_all_wrong_fields_come_back_at_once(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    order = {"utility": "Not A Code", "answers": [], "status": "issued", "owner/of~it": "me"}
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", order), 422, "invalid_input")
    assert field_errors(body) == {
        "/answers": "invalid_type",
        "/owner~1of~0it": "unknown_field",
        "/status": "unknown_field",
        "/utility": "invalid_format",
    }


def test_read_only_field_is_an_unknown_field(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for field in ("role", "level", "owner", "status", "issued_at", "id", "holder_id", "claims"):
        with subtests.test(field=field):
            with unchanged():
                response = citizen.post("/v1/requests", {"utility": "residence", field: "admin"})
            assert field_errors(assert_refused(response, 422, "invalid_input")) == {f"/{field}": "unknown_field"}


def test_missing_field_is_required(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", {}), 422, "invalid_input")
    assert field_errors(body) == {"/utility": "required"}


def test_null_is_not_a_value(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", {"utility": None}), 422, "invalid_input")
    assert field_errors(body) == {"/utility": "null"}


def test_body_that_is_no_object_is_refused(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for body in (b"[]", b'"residence"', b"7", b"null", b"true"):
        with subtests.test(body=body):
            with unchanged():
                problem = assert_refused(post_raw(citizen, body), 422, "invalid_input")
            assert field_errors(problem) == {"": "invalid_type"}


def test_code_of_a_utility_is_matched_to_its_end(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for utility in ("residence\n", "residence\r\n", "résidence", "RESIDENCE", "", "a" * 65):
        with subtests.test(utility=utility):
            with unchanged():
                body = assert_refused(citizen.post("/v1/requests", {"utility": utility}), 422, "invalid_input")
            assert field_errors(body) == {"/utility": "invalid_format"}


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "half": b'{"utility":',
    "trailing": b'{"utility":"residence"} {}',
    "comment": b'{"utility":"residence"} // x',
    "single quotes": b"{'utility':'residence'}",
    "byte order mark": b'\xef\xbb\xbf{"utility":"residence"}',
    "utf-16": '{"utility":"residence"}'.encode("utf-16"),
    "latin-1": b'{"utility":"r\xe9sidence"}',
    "surrogate in utf-8": b'{"utility":"\xed\xa0\x80"}',
    "duplicate names": b'{"utility":"residence","utility":"residence"}',
    "duplicate names below": b'{"utility":"residence","answers":{"a":1,"a":2}}',
    "NaN": b'{"utility":"residence","answers":{"a":NaN}}',
    "Infinity": b'{"utility":"residence","answers":{"a":-Infinity}}',
    "float beyond all floats": b'{"utility":"residence","answers":{"a":1e999}}',
    "huge integer": b'{"utility":"residence","answers":{"a":' + b"9" * 5000 + b"}}",
    "long integer": b'{"utility":"residence","answers":{"a":' + b"9" * 129 + b"}}",
    "lone high surrogate": b'{"utility":"residence","answers":{"a":"\\ud800"}}',
    "lone low surrogate in a name": b'{"utility":"residence","answers":{"\\udfff":1}}',
    "NUL": b'{"utility":"residence\\u0000"}',
    "NUL in a name": b'{"utility":"residence","answers":{"a\\u0000":1}}',
    "control character": b'{"utility":"resi\x01dence"}',
    "depth 33": b'{"answers":' + b'{"a":' * 32 + b"1" + b"}" * 33,
    "depth 100": b"[" * 100 + b"]" * 100,
    "depth 30,000": b"[" * 30_000 + b"]" * 30_000,
}


def test_json_that_means_more_than_one_thing_is_refused(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for name, body in MALFORMED.items():
        with subtests.test(name):
            with unchanged():
                problem = assert_refused(post_raw(citizen, body), 400, "malformed_request")
            assert "errors" not in problem


def test_check_refuses_the_same_bodies(client: FlaskClient, subtests: pytest.Subtests) -> None:
    """The check is a plain view: it must not be more lenient than the rest."""
    for name, body in MALFORMED.items():
        with subtests.test(name):
            assert_refused(client.post("/v1/checks", data=body, content_type=JSON), 400, "malformed_request")


def test_depth_of_32_is_still_read(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    body = b'{"utility":"residence","answers":' + b'{"a":' * 31 + b"1" + b"}" * 32
    with unchanged():
        problem = assert_refused(post_raw(citizen, body), 422, "invalid_input")
    assert field_errors(problem) == {"/answers/a": "unknown_field"}


def test_a_pair_of_surrogates_is_a_character(client: FlaskClient) -> None:
    response = client.post("/v1/checks", data=b'{"code":"\\ud83d\\ude00"}', content_type=JSON)
    assert (response.status_code, response.json["reasons"]) == (200, ["not_a_code"])


OTHER_TYPES = (
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/vnd.api+json",
    "application/merge-patch+json",
    "application/xml",
    "application/jsonx",
)


def test_other_content_type_is_refused(citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for path, content_type in product(("/v1/requests", "/v1/checks"), OTHER_TYPES):
        with subtests.test(path=path, content_type=content_type):
            with unchanged():
                headers = {"Idempotency-Key": "k", **({"Content-Type": content_type} if content_type else {})}
                response = citizen.call("POST", path, data=b'{"utility":"residence"}', headers=headers)
            assert_refused(response, 415, "unsupported_media_type")


def test_content_type_may_name_its_charset(client: FlaskClient) -> None:
    response = client.post("/v1/checks", data=b'{"code":"x"}', content_type="application/json; charset=utf-8")
    assert response.status_code == 200


# --- who, where, how -------------------------------------------------------------------------------------------


def test_missing_token_is_refused(client: FlaskClient, unchanged: Unchanged) -> None:
    with unchanged():
        response = client.get("/v1/me")
    assert_refused(response, 401, "missing_token")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_wrong_token_is_refused(client: FlaskClient, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for token in ("x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u00e9.\u00e9.\u00e9"):
        with subtests.test(token=token):
            with unchanged():
                response = client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
            assert_refused(response, 401, "invalid_token")
            assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_token_is_taken_from_no_other_place(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    token = citizen.tokens["access_token"]
    with unchanged():
        assert_refused(citizen.client.get(f"/v1/me?access_token={token}"), 401, "missing_token")
        citizen.client.set_cookie("access_token_cookie", token)
        assert_refused(citizen.client.get("/v1/me"), 401, "missing_token")


def test_unknown_parameter_never_comes_before_a_missing_token(client: FlaskClient) -> None:
    assert_refused(client.get("/v1/requests?nonsense=1"), 401, "missing_token")


NO_ROUTES = (
    "/nope",
    "/v1",
    "/v1/",
    "/v2/requests",
    "/v1/utilities/",
    "/v1//utilities",
    "/v1/requests/a/b",
    "/V1/me",
)


def test_unknown_route_is_refused_without_a_redirect(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path, method in product(NO_ROUTES, ("GET", "POST", "DELETE")):
        with subtests.test(path=path, method=method):
            body = assert_refused(client.open(path, method=method), 404, "unknown_route")
            assert body["instance"] == path


def test_nul_in_a_path_is_no_route(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        for path in ("/v1/documents/doc_%00", "/v1/requests/%00", "/v1/utilities/a%00b", "/problems/%00"):
            body = assert_refused(citizen.get(path), 404, "unknown_route")
            assert "%00" in body["instance"], "the problem's instance is a reference, not raw bytes"


HOSTILE_IDS = ("%ff%fe", "%ed%a0%80", "a" * 8000, "%F0%9F%98%80", "..%2f..%2fetc", "%0d%0aX: y")


def test_hostile_id_is_just_not_there(citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for path, tail in product(("/v1/documents/", "/v1/requests/"), HOSTILE_IDS):
        with subtests.test(path=path, tail=tail[:30]):
            with unchanged():
                response = citizen.get(path + tail)
            code = "unknown_route" if "%2f" in tail else "not_found"
            body = assert_refused(response, 404, code)
            assert body["instance"].isascii()
            assert "X" not in response.headers


METHODS = {
    ("PUT", "/v1/requests"): {"GET", "HEAD", "OPTIONS", "POST"},
    ("DELETE", "/v1/documents/x"): {"GET", "HEAD", "OPTIONS"},
    ("GET", "/v1/checks"): {"OPTIONS", "POST"},
    ("POST", "/v1/trust/bundle"): {"GET", "HEAD", "OPTIONS"},
    ("POST", "/v1/admin/utilities/residence"): {"GET", "HEAD", "OPTIONS", "PATCH"},
    ("PATCH", "/v1/me"): {"GET", "HEAD", "OPTIONS"},
}


def test_wrong_method_says_which_would_be_right(
    client: FlaskClient, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for (method, path), allowed in METHODS.items():
        with subtests.test(method=method, path=path):
            with unchanged():
                response = client.open(path, method=method)
            assert_refused(response, 405, "method_not_allowed")
            assert {each.strip() for each in response.headers["Allow"].split(",")} == allowed


def test_foreign_document_looks_like_none_at_all(phone_of: Make, unchanged: Unchanged) -> None:
    document = phone_of("an").issue_residence()
    stranger = phone_of("sau")
    with unchanged():
        for tail in ("", "/code.txt", "/code.svg", "/code.png"):
            answers = []
            for document_id in (document, UNKNOWN_DOCUMENT):
                response = stranger.get(f"/v1/documents/{document_id}{tail}")
                body = assert_refused(response, 404, "not_found")
                assert body.pop("instance").startswith(f"/v1/documents/{document_id}")
                assert body.pop("request_id")
                answers.append((body, sorted(set(response.headers.keys()))))
            assert answers[0] == answers[1]


# --- sizes -----------------------------------------------------------------------------------------------------


class CountingStream(BytesIO):
    """A body that says how much of it was read."""

    def __init__(self, size: int) -> None:
        super().__init__(b'{"code":"' + b"A" * size + b'"}')
        self.taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self.taken += count
        return count


LIMIT = 65536


def test_oversized_body_is_refused_unread(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for path in ("/v1/checks", "/v1/requests", "/v1/device-challenges"):
        with subtests.test(path=path):
            stream = CountingStream(10 * LIMIT)
            headers = {"Idempotency-Key": "k", "Content-Type": JSON, "Content-Length": str(10 * LIMIT + 11)}
            with unchanged():
                response = citizen.call("POST", path, input_stream=stream, headers=headers)
            body = assert_refused(response, 413, "body_too_large")
            assert str(LIMIT) in body["detail"]
            assert stream.taken == 0


def test_oversized_body_without_a_length_is_not_read_whole(
    citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for path in ("/v1/checks", "/v1/requests"):
        with subtests.test(path=path):
            stream = CountingStream(100 * LIMIT)
            headers = {"Idempotency-Key": "k", "Content-Type": JSON, "Transfer-Encoding": "chunked"}
            with unchanged():
                response = citizen.call(
                    "POST",
                    path,
                    input_stream=stream,
                    headers=headers,
                    environ_overrides={"wsgi.input_terminated": True},
                )
            assert_refused(response, 413, "body_too_large")
            assert stream.taken <= 2 * LIMIT


def test_body_of_the_very_limit_is_read(client: FlaskClient) -> None:
    frame = len(b'{"code":""}')
    fits = client.post("/v1/checks", data=b'{"code":"' + b"A" * (LIMIT - frame) + b'"}', content_type=JSON)
    assert (fits.status_code, fits.json["verdict"]) == (200, "invalid")
    over = client.post("/v1/checks", data=b'{"code":"' + b"A" * (LIMIT - frame + 1) + b'"}', content_type=JSON)
    assert_refused(over, 413, "body_too_large")


def test_header_beyond_8_kib_is_refused(client: FlaskClient) -> None:
    response = client.get("/v1/me", headers={"Authorization": "Bearer " + "a" * 9000})
    assert_refused(response, 431, "header_too_large")


# --- query -----------------------------------------------------------------------------------------------------


WRONG_QUERIES = (
    ("nope=1", "unknown_parameter"),
    ("limit=5&nope=1", "unknown_parameter"),
    ("limit=0&nope=1", "unknown_parameter"),
    ("Limit=5", "unknown_parameter"),
    ("holder_id=hld_1", "unknown_parameter"),
    ("limit=1&limit=2", "repeated_parameter"),
    ("limit=2&limit=2", "repeated_parameter"),
    ("nope=1&nope=2", "repeated_parameter"),
    ("limit=0", "invalid_parameter"),
    ("limit=101", "invalid_parameter"),
    ("limit=-1", "invalid_parameter"),
    ("limit=", "invalid_parameter"),
    ("limit=ten", "invalid_parameter"),
    ("limit=1.5", "invalid_parameter"),
    ("limit=1e1", "invalid_parameter"),
    ("limit=%2B5", "invalid_parameter"),
    ("limit=%205", "invalid_parameter"),
    ("limit=5%0a", "invalid_parameter"),
    ("limit=1_0", "invalid_parameter"),
    ("limit=%D9%A5", "invalid_parameter"),
    ("limit=" + "9" * 5000, "invalid_parameter"),
    ("limit=%00", "invalid_parameter"),
    ("cursor=", "invalid_cursor"),
    ("cursor=x", "invalid_cursor"),
    ("cursor=%00", "invalid_cursor"),
    ("cursor=%ff", "invalid_cursor"),
    ("cursor=%F0%9F%98%80", "invalid_cursor"),
    ("cursor=" + "A" * 5000, "invalid_cursor"),
    ("cursor=IjEi.AAAA", "invalid_cursor"),
)


def test_wrong_query_is_refused(citizen: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for path, (query, code) in product(("/v1/requests", "/v1/documents"), WRONG_QUERIES):
        with subtests.test(path=path, query=query[:40]), unchanged():
            assert_refused(citizen.get(f"{path}?{query}"), 400, code)


WITHOUT_QUERY = (
    "/v1/me",
    "/v1/utilities",
    "/v1/utilities/residence",
    "/v1/trust/bundle",
    "/v1/trust/iaca",
    "/v1/status-lists/1",
    "/.well-known/jwks.json",
    "/.well-known/jwt-vc-issuer",
    "/v1/types/residence/1",
    f"/v1/documents/{UNKNOWN_DOCUMENT}",
    "/v1/requests/req_1",
)


def test_parameter_is_refused_where_none_is_read(citizen: CitizenPhone, subtests: pytest.Subtests) -> None:
    for path in WITHOUT_QUERY:
        with subtests.test(path=path):
            body = assert_refused(citizen.get(f"{path}?fields=id"), 400, "unknown_parameter")
            assert "fields" in body["detail"]
            assert_refused(citizen.get(f"{path}?fields=id&fields=id"), 400, "repeated_parameter")


def test_parameter_of_a_write_is_refused(citizen: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        response = citizen.post("/v1/requests?utility=residence", {"utility": "residence"})
        assert_refused(response, 400, "unknown_parameter")
        assert_refused(citizen.client.post("/v1/checks?x=1", json={"code": "x"}), 400, "unknown_parameter")


# --- language --------------------------------------------------------------------------------------------------


ASKED_AND_GIVEN = (
    ("vi", "vi"),
    ("en", "en"),
    ("en-GB,en;q=0.9", "en"),
    ("vi-VN", "vi"),
    ("fr", "vi"),
    ("fr,en;q=0.5", "en"),
    ("en;q=0.1,vi;q=0.9", "vi"),
    ("*", "vi"),
    (";;;q=,,", "vi"),
    ("x" * 4000, "vi"),
)


def test_refusal_speaks_the_callers_language(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for asked, language in ASKED_AND_GIVEN:
        with subtests.test(asked=asked[:30]):
            assert_refused(
                client.get("/nope", headers={"Accept-Language": asked}), 404, "unknown_route", language=language
            )


def test_both_languages_say_the_same_code_in_other_words(citizen: CitizenPhone) -> None:
    bodies = {}
    for language in ("vi", "en"):
        response = citizen.post("/v1/requests", {"utility": 1}, headers={"Accept-Language": language})
        bodies[language] = assert_refused(response, 422, "invalid_input", language=language)
    vi, en = bodies["vi"], bodies["en"]
    assert field_errors(vi) == field_errors(en)
    for part in ("title", "detail"):
        assert vi[part] != en[part]
    assert vi["errors"][0]["detail"] != en["errors"][0]["detail"]


def test_values_in_a_text_are_translated_too(phone_of: Make) -> None:
    vang = phone_of("vang")
    details = {}
    for language, register in (("vi", "cư trú"), ("en", "residence")):
        response = vang.post("/v1/requests", {"utility": "residence"}, headers={"Accept-Language": language})
        details[language] = assert_refused(response, 409, "not_in_register", language=language)["detail"]
        assert register in details[language]
    assert "residence" not in details["vi"]


# --- the id of a request ---------------------------------------------------------------------------------------


def test_plain_request_id_is_echoed(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for given in ("abcdefgh", "0f3c5a7e-9b1d-2f4a", "a" * 64, "A.b_c-d.0"):
        with subtests.test(given=given):
            response = client.get("/nope", headers={"X-Request-ID": given})
            assert assert_refused(response, 404, "unknown_route")["request_id"] == given


def test_other_request_id_is_replaced(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for given in ("short", "a" * 65, "with space", "tab\there", "<script>", "é" * 10, "099090000001 "):
        with subtests.test(given=given):
            response = client.get("/nope", headers={"X-Request-ID": given})
            found = assert_refused(response, 404, "unknown_route")["request_id"]
            assert found != given
            assert found.startswith("rid_")


def test_answer_that_is_no_refusal_has_a_request_id_too(client: FlaskClient) -> None:
    first, second = (client.get("/health/live").headers["X-Request-ID"] for _ in range(2))
    assert first != second


# --- what nobody foresaw ---------------------------------------------------------------------------------------

SECRET = "select number from holders where number = '099090000001'"


FAILURES: dict[str, tuple[Exception, str]] = {
    "value": (ValueError(SECRET), "internal_error"),
    "key": (KeyError(SECRET), "internal_error"),
    "recursion": (RecursionError(SECRET), "internal_error"),
    "memory": (MemoryError(), "internal_error"),
    "malformed": (Malformed(SECRET), "malformed"),
    "verification": (VerificationFailed("bad_signature", SECRET), "internal_error"),
}


def _raise(error: Exception) -> Callable[[], None]:
    def view() -> None:
        raise error

    return view


@pytest.fixture
def broken(wallet: Wallet) -> Iterator[FlaskClient]:
    """The application with a few views that fail."""
    app: Flask = create_app(wallet)
    for name, (error, _) in FAILURES.items():
        app.add_url_rule(f"/broken/{name}", name, _raise(error))
    for code in ("", "residence", "birth_linked"):
        error = InvalidInput({"/a": "no_such_code", "/b": "in_future", "/c": "required"})
        error.utility = code
        app.add_url_rule(f"/broken/fields/{code}", f"fields{code}", _raise(error))
    return app.test_client()


def test_unforeseen_error_says_nothing(broken: FlaskClient, subtests: pytest.Subtests) -> None:
    for name, language in product(FAILURES, ("vi", "en")):
        with subtests.test(name, language=language):
            response = broken.get(f"/broken/{name}", headers={"Accept-Language": language})
            body = assert_refused(response, 500, FAILURES[name][1], language=language)
            assert "099090000001" not in response.text
            assert "Traceback" not in response.text
            assert not any(word in json.dumps(body) for word in ("Error(", "select", "holders", ".py"))
            assert "errors" not in body


def test_code_without_words_still_has_words(broken: FlaskClient) -> None:
    """A plug-in's own code speaks in its words and nobody else's; one that nobody knows in the general ones."""
    words = {"": "Không hợp lệ.", "residence": "Ngày này nằm ở tương lai", "birth_linked": "Ngày sinh trên giấy"}
    for utility, begins in words.items():
        body = assert_refused(broken.get(f"/broken/fields/{utility}"), 422, "invalid_input")
        details = {entry["code"]: entry["detail"] for entry in body["errors"]}
        assert details["no_such_code"] == "Không hợp lệ."
        assert details["required"] == "Bắt buộc."
        assert details["in_future"].startswith(begins)
