"""A new utility as files: one folder, or a whole package of somebody else, whose contract tests run green at once."""

import json
import keyword
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wallet.errors import ConfigurationError
from wallet.utilities.catalogue import Catalogue

NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
MAX_NAME = 40

INIT = '''"""Sample confirmation NAME. Source: name the law here, with its section.

A placeholder that is whole: change its claims, its form and its rules, and keep the examples in step.
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Field,
    Paper,
    Rules,
    Section,
    Layout,
    Source,
    Utility,
    age_on,
)


def derive(case: Case) -> Claims:
    """Return what follows from the registers: the last four digits of the number."""
    return {"number_last4": case.number[-4:]}


def accept(case: Case) -> None:
    """Refuse who is younger than the rules say."""
    if age_on(case.fact(Source.POPULATION, "birth_date"), case.today) < case.figures["minimum_age"]:
        raise ClaimsRejected(birth_date="too_young")


PAPER = DocumentType(
    code="NAME",
    title={"vi": "Giấy xác nhận mẫu NAME", "en": "Sample confirmation NAME"},
    validity=timedelta(days=90),
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED),
        Claim(3, "purpose", source=Source.DECLARED, paper=Paper.SHOWN),
    ),
    layout=Layout((Section("", ("full_name", "number_last4", "purpose")),)),
    derive=derive,
)

utility = Utility(
    code="NAME",
    version=1,
    title={"vi": "Xác nhận mẫu NAME", "en": "Sample confirmation NAME"},
    agency="c06",
    documents=(PAPER,),
    rules=(Rules("1", date(2026, 1, 1), "Căn cứ pháp lý của NAME", figures={"minimum_age": 14}),),
    form=(Field("purpose", size=(3, 200)),),
    reads=(Source.POPULATION,),
    accept=accept,
)
'''

TEXTS: Mapping[str, Any] = {
    "vi": {
        "claims": {
            "full_name": "Họ, chữ đệm và tên",
            "number_last4": "Bốn số cuối của số định danh cá nhân",
            "purpose": "Mục đích sử dụng",
        },
        "fields": {"purpose": "Dùng giấy này để làm gì"},
        "reasons": {"too_young": "Người được xác nhận chưa đủ tuổi theo quy định."},
    },
    "en": {
        "claims": {
            "full_name": "Full name",
            "number_last4": "Last four digits of the personal number",
            "purpose": "Purpose",
        },
        "fields": {"purpose": "What you need this paper for"},
        "reasons": {"too_young": "The person is younger than the rules allow."},
    },
}

_AN = {"number": "099090123456", "full_name": "Nguyễn Văn An", "birth_date": "1990-05-12"}
EXAMPLES: Mapping[str, Any] = {
    "today": "2026-11-20",
    "accepted": [
        {
            "name": "an adult",
            "number": _AN["number"],
            "answers": {"purpose": "Nộp hồ sơ học bạ"},
            "facts": {"population": _AN},
            "document": "NAME",
            "claims": {"number_last4": "3456", "purpose": "Nộp hồ sơ học bạ"},
        },
        {
            "name": "fourteen today",
            "number": "099212000001",
            "answers": {"purpose": "Đi thi"},
            "facts": {"population": {"number": "099212000001", "full_name": "Lê Thị Na", "birth_date": "2012-11-20"}},
            "document": "NAME",
            "claims": {"number_last4": "0001", "purpose": "Đi thi"},
        },
    ],
    "rejected": [
        {
            "name": "fourteen tomorrow",
            "number": "099212000002",
            "answers": {"purpose": "Đi thi"},
            "facts": {"population": {"number": "099212000002", "full_name": "Lê Thị Ni", "birth_date": "2012-11-21"}},
            "why": {"/claims/birth_date": "too_young"},
        },
        {
            "name": "no purpose",
            "number": _AN["number"],
            "answers": {},
            "facts": {"population": _AN},
            "why": {"/answers/purpose": "required"},
        },
    ],
}

TEST = """from wallet.utilities.conformance import faults_of_package


def test_contract() -> None:
    assert faults_of_package("NAME") == []
"""

PYPROJECT = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "DIST"
version = "0.1.0"
description = "A utility for the wallet Ví Số: NAME"
requires-python = ">=3.11"
dependencies = ["vi-so-wallet"]

[project.entry-points."wallet.utilities"]
NAME = "NAME:utility"

[tool.setuptools]
packages = ["NAME"]

[tool.setuptools.package-data]
NAME = ["*.json"]
"""

README = """# NAME

A utility for the wallet Ví Số. `NAME/__init__.py` declares it, `NAME/texts.json` has its words in Vietnamese and in
English, `NAME/examples.json` what it accepts and rejects; `tests/test_contract.py` holds all of it to the contract.

```sh
python -m pip install --no-deps --editable .
python -m pytest tests
wallet utilities check NAME
```
"""


def folder_files(name: str) -> dict[str, str]:
    """Return the files of one utility: path inside its folder to text."""
    return {
        "__init__.py": INIT.replace("NAME", name),
        "texts.json": _json(TEXTS),
        "examples.json": _json(EXAMPLES).replace("NAME", name),
    }


def package_files(name: str) -> dict[str, str]:
    """Return the files of a package that brings one utility: path inside its folder to text."""
    texts = {"pyproject.toml": PYPROJECT, "README.md": README, "tests/test_contract.py": TEST}
    files = {path: text.replace("DIST", name.replace("_", "-")).replace("NAME", name) for path, text in texts.items()}
    return files | {f"{name}/{path}": text for path, text in folder_files(name).items()}


def assert_free(name: str, catalogue: Catalogue, *, package: bool) -> None:
    """Raise ConfigurationError unless the name is well formed and nothing else has it."""
    mend = "wallet utilities list"
    if not NAME.fullmatch(name) or len(name) > MAX_NAME or keyword.iskeyword(name):
        shape = f"chữ thường, số và gạch dưới, không quá {MAX_NAME} ký tự / small letters, digits and underscores"
        raise ConfigurationError(
            f"{name}: không phải là tên / not a name ({shape})", mend="wallet utilities new --help"
        )
    codes = {plugin.utility.code for plugin in catalogue}
    codes |= {kind.code for plugin in catalogue for kind in plugin.utility.documents}
    if {name, name.replace("_", "-")} & codes:
        raise ConfigurationError(f"{name}: mã này đã có / the code is taken", mend=mend)
    if find_spec(name if package else f"wallet.utilities.{name}") is not None:
        raise ConfigurationError(f"{name}: mô-đun này đã có / a module has this name", mend=mend)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder that is not there or is empty. Raises ConfigurationError; nothing is overwritten."""
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ConfigurationError(f"{root}: đã có ở đó / is there already", mend=f"ls {root}")
    try:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{root}: không ghi được / cannot be written ({error})", mend="df -h .") from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
