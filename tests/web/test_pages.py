"""The few pages: in both languages, marked as a sample, with nothing inline and nothing from elsewhere."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from tests.web.refusals import assert_refused
from wallet.texts.catalogue import catalogue

MARK = "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
PAGES = ("/", "/docs", "/docs/integrators", "/problems/not_found")


class Page(HTMLParser):
    """What a browser would load, run or follow."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.loads: list[str] = []
        self.follows: list[str] = []
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.languages: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "html":
            self.languages.append(given["lang"])
        if tag == "a":
            self.follows.append(given["href"])
        elif "src" in given or "href" in given:
            self.loads.append(given.get("src") or given["href"])
        self._in_script = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.scripts.append(data)


def test_page_speaks_vietnamese_and_english(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in PAGES:
        with subtests.test(path=path):
            texts = {}
            for language in ("vi", "en"):
                by_header = client.get(path, headers={"Accept-Language": language})
                by_query = client.get(f"{path}?lang={language}", headers={"Accept-Language": "fr"})
                assert by_header.status_code == by_query.status_code == 200
                assert by_header.data == by_query.data
                assert by_header.headers["Content-Language"] == by_query.headers["Content-Language"] == language
                assert by_header.headers["Vary"] == "Accept-Language"
                page = Page(by_header.text)
                assert page.languages == [language]
                assert catalogue(language)["pages"]["not_official"] in page.html
                texts[language] = page.html
            assert texts["vi"] != texts["en"]


def test_unknown_language_is_vietnamese(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for lang in ("", "fr", "../en", "<b>", "vi%00"):
        with subtests.test(lang=lang):
            response = client.get(f"/?lang={lang}")
            assert response.headers["Content-Language"] == "vi"
            assert "<b>" not in response.text


def test_page_is_marked_as_a_sample(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in PAGES:
        with subtests.test(path=path):
            for language in ("vi", "en"):
                assert MARK in client.get(f"{path}?lang={language}").text


def test_page_runs_and_loads_nothing_but_its_own_files(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in PAGES:
        with subtests.test(path=path):
            response = client.get(path)
            page = Page(response.text)
            assert page.scripts == []
            assert page.handlers == []
            assert "javascript:" not in page.html
            for address in page.loads + page.follows:
                assert not urlsplit(address).netloc, address
                assert not urlsplit(address).scheme, address
            policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == "'self'"
            assert policy["frame-ancestors"] == "'none'"
            assert "unsafe-eval" not in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"


def test_everything_a_page_loads_or_links_is_there(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in PAGES:
        with subtests.test(path=path):
            page = Page(client.get(path).text)
            assert page.loads
            for address in page.loads + [link for link in page.follows if not link.startswith("?")]:
                response = client.get(address, buffered=True)
                assert response.status_code == 200, address
                assert response.data


def test_docs_assets_come_with_their_types(client: FlaskClient) -> None:
    for name, mimetype in (("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript")):
        response = client.get(f"/docs/assets/{name}", buffered=True)
        assert response.mimetype == mimetype
        assert "max-age" in response.headers["Cache-Control"]
        tag = response.headers["ETag"]
        assert client.get(f"/docs/assets/{name}", headers={"If-None-Match": tag}, buffered=True).status_code == 304


NO_ASSETS = (
    "index.html",
    "swagger-ui.js.map",
    "../__init__.py",
    "%2e%2e%2f__init__.py",
    "..%5c",
    "",
    "swagger-ui.CSS",
)


def test_other_assets_are_no_routes(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for name in NO_ASSETS:
        with subtests.test(name=name):
            assert_refused(client.get(f"/docs/assets/{name}"), 404, "unknown_route")


OUTSIDE = (
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/static/no.css",
    "/static/",
)


def test_static_files_end_at_their_folder(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in OUTSIDE:
        with subtests.test(path=path):
            assert_refused(client.get(path), 404, "unknown_route")


def test_every_problem_code_has_a_page_in_both_languages(client: FlaskClient) -> None:
    codes = list(catalogue("vi")["problems"])
    assert {"missing_token", "not_found", "internal_error"} <= set(codes)
    for code in codes:
        response = client.get(f"/problems/{code}")
        assert response.status_code == 200, code
        sections = re.findall(r'<section lang="(\w+)">(.*?)</section>', response.text, re.DOTALL)
        assert [language for language, _ in sections] == ["vi", "en"]
        assert sections[0][1] != sections[1][1]
        assert code in response.text
        assert "{" not in response.text, f"{code}: a page has no values to fill in"


def test_type_of_a_problem_is_its_page(client: FlaskClient) -> None:
    body = assert_refused(client.get("/nope"), 404, "unknown_route")
    page = client.get(urlsplit(body["type"]).path)
    assert page.status_code == 200
    assert body["title"] in page.text


def test_unknown_problem_code_is_not_found(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for code in ("no_such_code", "NOT_FOUND", "<script>", "title", "not_found "):
        with subtests.test(code=code):
            response = client.get(f"/problems/{code}")
            assert_refused(response, 404, "not_found")
            assert "<script>" not in response.text


def test_icon_is_there(client: FlaskClient) -> None:
    response = client.get("/favicon.ico", follow_redirects=True, buffered=True)
    assert response.mimetype == "image/png"
