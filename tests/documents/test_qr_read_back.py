"""The code of every example document of every utility, read by other software: as drawn, and as a camera sees it."""

import pytest

from tests.documents.stated import every_example, longest_of_each_kind
from tests.documents.worn import WEAR, opened, seen
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
