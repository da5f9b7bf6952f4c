"""The code of every example document of every utility, read by other software: as drawn, and as a camera sees it."""

import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.documents.stated import every_example, longest_of_each_kind
from tests.documents.worn import MEASURED, WEAR, opened, seen
from wallet.documents.qr_image import RULES, matrix, png
from wallet.utilities.catalogue import Catalogue


def test_every_kind_of_document_has_an_example() -> None:
    kinds = {kind.code for plugin in Catalogue.discover() for kind in plugin.utility.documents}
    assert {document.kind.code for document in every_example().values()} == kinds == set(longest_of_each_kind())


@pytest.mark.parametrize("wear", WEAR)
def test_code_of_every_example_is_read(wear: str) -> None:
    missed = [
        name
        for name, document in every_example().items()
        if seen(WEAR[wear](opened(png(document.code)))) != [document.code]
    ]
    assert missed == []


@pytest.mark.parametrize("wear", WEAR)
def test_code_with_the_longest_legal_names_is_read(wear: str) -> None:
    for kind, document in longest_of_each_kind().items():
        assert (len(matrix(document.code)) - 17) // 4 <= RULES["VD1:"].max_version
        assert seen(WEAR[wear](opened(png(document.code)))) == [document.code], kind


PAGE = Path(__file__).parents[2] / "docs" / "paper.md"


@cache
def codes() -> list[str]:
    return [document.code for found in (every_example(), longest_of_each_kind()) for document in found.values()]


def test_page_tells_how_many_codes_were_worn() -> None:
    versions = [(len(matrix(code)) - 17) // 4 for code in codes()]
    told = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"the {len(every_example())} example documents of every utility" in told
    assert f"one of each of the {len(longest_of_each_kind())} kinds" in told
    assert f"(versions {min(versions)} to {max(versions)}), six pixels a module, read by zxing-cpp" in told
    assert f"zxing-cpp {version('zxing-cpp')}." in told
    assert f"| Wear | Read of {len(codes())} |" in told


@pytest.mark.parametrize("row", MEASURED)
def test_page_tells_how_much_wear_a_code_bears(row: str) -> None:
    told = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    read = [sum(seen(wear(opened(png(code)))) == [code] for code in codes()) for wear in MEASURED[row]]
    assert told == [", ".join(map(str, read))]
