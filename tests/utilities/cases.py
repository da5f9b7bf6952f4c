"""A case of an example on any day, and the document that comes of a case, for the tests of single plug-ins."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from wallet.utilities.base import Case, Claims, DocumentType, Utility
from wallet.utilities.examples import answered, read_examples
from wallet.utilities.paper import compact_claims, full_claims
from wallet.utilities.stating import claims_of


def case_of(utility: Utility, example: Mapping[str, Any], today: date) -> Case:
    """Return the case of an example, its answers parsed by the form, on a day and under the rules of that day."""
    return answered(utility, read_examples(utility, {"today": today.isoformat(), "accepted": [example]}).accepted[0])


def made(utility: Utility, case: Case) -> tuple[DocumentType, dict[str, Any]]:
    """Return the kind of document and what it states. Raises what `accept`, `derive` and `check` raise."""
    utility.accept(case)
    kind = utility.document_of(case)
    return kind, claims_of(kind, case)


def seen(kind: DocumentType, claims: Claims) -> tuple[dict[int, Any], dict[str, Any]]:
    """Return what stands in the code and what is hashed."""
    return compact_claims(kind, claims), full_claims(kind, claims)
