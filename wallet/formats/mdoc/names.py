"""What our documents are called as mdoc: `vn.viso.<kind>.<version>`, docType and namespace alike.

Source: ISO/IEC 18013-5:2021, section 7.1 (reverse domain names); docs/decisions/0023-mdoc.md.
"""

import re

_DOC_TYPE = re.compile(r"vn\.viso\.(?P<code>[a-z0-9_-]{1,64})\.(?P<version>0|[1-9][0-9]{0,8})", re.ASCII)


def doc_type_of(code: str, version: int) -> str:
    """Return the docType of one version of a kind of document: another version is another meaning, so another name."""
    return f"vn.viso.{code}.{version}"


def read_doc_type(text: str) -> tuple[str, int] | None:
    """Return kind and version of a docType of ours, None for any other."""
    found = _DOC_TYPE.fullmatch(text)
    return None if found is None else (found["code"], int(found["version"]))
