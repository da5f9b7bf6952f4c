"""The pages as a person sees them, in a real browser with the network cut; screenshots stay in the test folder."""

from pathlib import Path

import pytest

from tests.browser.conftest import Site


@pytest.mark.parametrize(("language", "heading"), [("vi", "Giấy tờ số"), ("en", "Digital documents")])
def test_front_door_fits_a_phone_in_both_languages(site: Site, language: str, heading: str, tmp_path: Path) -> None:
    site.open(f"/?lang={language}")
    assert heading in site.page.inner_text("h1")
    assert site.page.get_attribute("html", "lang") == language
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in site.page.inner_text(".mark")
    assert site.page.evaluate("document.documentElement.scrollWidth") <= 360
    site.page.screenshot(path=tmp_path / "home.png")
    assert site.complaints == []


def test_documentation_shows_every_operation_with_the_network_cut(site: Site, tmp_path: Path) -> None:
    site.open("/docs")
    site.page.wait_for_selector(".opblock")
    shown = site.page.locator(".opblock").count()
    document = site.page.request.get(site.url + "/openapi.json").json()
    methods = {"get", "post", "patch", "put", "delete"}
    assert shown == sum(len(item.keys() & methods) for item in document["paths"].values())
    site.page.screenshot(path=tmp_path / "docs.png", full_page=True)
    assert site.complaints == []


def test_problem_page_explains_a_code_in_both_languages(site: Site) -> None:
    site.open("/problems/utility_disabled")
    text = site.page.inner_text("main")
    assert "Tiện ích đang không mở" in text
    assert "The utility is not open" in text
    assert site.complaints == []
