"""What is given to be checked: the text of a code, a picture of it, or the file of a document."""

from dataclasses import dataclass
from pathlib import Path

from wallet.errors import WalletError
from wallet.formats import cwt_code, live_code
from wallet.formats.mdoc.values import MAX_BYTES
from wallet.formats.sd_jwt import MAX_CHARACTERS
from wallet.verifier.credential import looks_like_credential
from wallet.verifier.files import regular_file
from wallet.verifier.images import SUFFIXES, code_from_image

DOCUMENT_SUFFIX = ".sdjwt"
MDOC_SUFFIX = ".mdoc"


class InputRefused(WalletError):
    """Nothing to check could be read. code: a key of the texts under `error.`; `detail` says what was wrong."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be checked: a text, or the bytes of an mdoc."""

    text: str = ""
    mdoc: bytes | None = None


def read_given(given: str) -> Given:
    """Return what a word on the command line stands for: itself, or the file that it names.

    Never for what somebody shows: a code that reads as a path would be the file. Raises what `read_file` raises.
    """
    if given.strip().startswith((cwt_code.PREFIX, live_code.PREFIX)) or looks_like_credential(given):
        return Given(given)
    path = Path(given)
    if path.suffix.lower() in {MDOC_SUFFIX, DOCUMENT_SUFFIX, *SUFFIXES} or _is_file(path):
        return read_file(path)
    return Given(given)  # neither a code nor a file: the verdict says so


def read_file(path: Path) -> Given:
    """Return what a file holds: a document by its suffix, else a picture of a code.

    Raises InputRefused for a document's file that cannot be read, ImageRefused for a picture that gives no code.
    """
    suffix = path.suffix.lower()
    if suffix == MDOC_SUFFIX:
        return Given(mdoc=_document_file(path, MAX_BYTES + 1))
    if suffix == DOCUMENT_SUFFIX:
        return Given(_document_file(path, MAX_CHARACTERS + 2).decode("latin-1"))
    return Given(code_from_image(path))


def _document_file(path: Path, most: int) -> bytes:
    """Return what a file holds; no more of it is read than a document has."""
    try:
        with regular_file(path) as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        raise InputRefused("document_missing", detail=str(error), path=str(path)) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name no file can have: too long, or with a NUL
        return False
