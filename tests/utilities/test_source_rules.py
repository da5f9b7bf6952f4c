"""What a plug-in may name: everything that reaches out is seen in its source, before any of it runs."""

import sys
from pathlib import Path

import pytest

from wallet.utilities.source_rules import PURE, faults_of_folder, faults_of_module, faults_of_source

ALLOWED = """
from __future__ import annotations
import re
import datetime as time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from wallet.utilities.base import Case, Claims, Utility
from someones_permit.fees import fee
from .fees import other

__all__ = ["derive"]
PLATE = re.compile("[0-9]{2}[A-Z]")

@dataclass(frozen=True)
class Thing:
    name: str

    def __len__(self) -> int:
        return len(self.name)

def derive(case: Case) -> Claims:
    if case.now > case.today and isinstance(case, Case) and re.match("a", "b") and time.date(2026, 1, 1):
        return {}
    return {"last4": f"{case.number[-4:]:>4}", "when": date.fromisoformat("2026-01-01")}
"""

REFUSED = {
    "import os": "line 1 imports os",
    "import flask": "line 1 imports flask",
    "from sqlalchemy import select": "line 1 imports sqlalchemy",
    "import collections.abc, socket": "line 1 imports socket",
    "def f():\n    import subprocess": "line 2 imports subprocess",
    "def f():\n    def g():\n        from urllib import request": "line 3 imports urllib",
    "if False:\n    import random": "line 2 imports random",
    "try:\n    import time\nexcept ImportError:\n    pass": "line 2 imports time",
    "import importlib": "line 1 imports importlib",
    "from importlib import import_module": "line 1 imports importlib",
    "import wallet.db": "line 1 imports wallet.db",
    "from wallet.db import Database": "line 1 imports wallet.db",
    "from wallet.utilities import catalogue": "line 1 imports wallet.utilities",
    "from wallet.utilities.case import Case": "line 1 imports wallet.utilities.case",
    "from wallet.errors import NotFound": "line 1 imports wallet.errors",
    "import wallet.utilities.base": "line 1 imports wallet.utilities.base; write from wallet.utilities.base import ...",
    "import someones_permit.fees": "line 1 imports someones_permit.fees; write from someones_permit.fees import ...",
    "from wallet.utilities.base import MappingProxyType": (
        "line 1 takes MappingProxyType from the contract, which does not give it"
    ),
    "from wallet.utilities.base import *": "line 1 takes * from the contract, which does not give it",
    "from someones_permitted import x": "line 1 imports someones_permitted",
    "from .. import x": "line 1 imports from outside its folder",
    "from ..wallet import x": "line 1 imports from outside its folder",
    "from ... import x": "line 1 imports from outside its folder",
    "__import__('os')": "line 1 uses __import__",
    "x = __import__": "line 1 uses __import__",
    "def f():\n    open('x')": "line 2 uses open",
    "eval('1')": "line 1 uses eval",
    "exec('1')": "line 1 uses exec",
    "compile('1', '', 'eval')": "line 1 uses compile",
    "getattr(1, 'x')": "line 1 uses getattr",
    "setattr(1, 'x', 1)": "line 1 uses setattr",
    "vars()": "line 1 uses vars",
    "globals()['x']": "line 1 uses globals",
    "print(1)": "line 1 uses print",
    "input()": "line 1 uses input",
    "breakpoint()": "line 1 uses breakpoint",
    "hash('x')": "line 1 uses hash",
    "__builtins__['open']": "line 1 uses __builtins__",
    "__loader__.load_module('os')": "line 1 uses __loader__",
    "().__class__.__mro__": "line 1 uses __class__",
    "(lambda: 0).__globals__": "line 1 uses __globals__",
    "match 1:\n    case object(__class__=c):\n        pass": "line 2 uses __class__",
    "(x for x in ()).gi_frame.f_back": "line 1 uses gi_frame",
    "def f(e):\n    return e.tb_frame": "line 2 uses tb_frame",
    "from wallet.utilities.base import age_on\nx = '{0.__globals__}'.format(age_on)": "line 2 uses format",
    "from wallet.utilities.base import age_on\nx = '{f.x}'.format_map({'f': age_on})": "line 2 uses format_map",
    "from wallet.utilities.base import age_on\nx = f'{age_on.__globals__}'": "line 2 uses __globals__",
    "x = str.format": "line 1 uses format",
    "def f(t):\n    return map(t.format_map, ())": "line 2 uses format_map",
    "match '':\n    case str(format=f):\n        pass": "line 2 uses format",
    "match (x for x in ()):\n    case object(gi_frame=f):\n        pass": "line 2 uses gi_frame",
    "import dataclasses\ndataclasses.sys.modules": "line 2 uses dataclasses.sys",
    "from dataclasses import sys": "line 1 takes sys from dataclasses",
    "import re\nre.enum.sys": "line 2 uses re.enum",
    "import re as r\nr._compiler": "line 2 uses r._compiler",
    "import re\nx = re\nx.enum": "line 2 hands the module re on",
    "import re\n[re][0].enum": "line 2 hands the module re on",
    "import functools\nfunctools.update_wrapper(1, 2)": "line 2 uses functools.update_wrapper",
    "from functools import wraps": "line 1 takes wraps from functools",
    "from functools import singledispatch": "line 1 takes singledispatch from functools",
    "from typing import get_type_hints": "line 1 takes get_type_hints from typing",
    "from typing import *": "line 1 takes * from typing",
    "from string import Formatter": "line 1 takes Formatter from string",
    "from types import FunctionType": "line 1 takes FunctionType from types",
    "from dataclasses import make_dataclass": "line 1 takes make_dataclass from dataclasses",
    "import datetime\ndatetime.date.today()": "line 2 asks for the time; it is handed in",
    "from datetime import date\nx = date.today": "line 2 asks for the time; it is handed in",
    "from datetime import datetime as d\nd.now(None)": "line 2 asks for the time; it is handed in",
    "def f(c):\n    return c.utcnow()": "line 2 asks for the time; it is handed in",
    "def f(:": "it is not Python (SyntaxError)",
    "x = '\0'": "it is not Python (SyntaxError)",
}


def faults(text: str) -> list[str]:
    return faults_of_source(text, package="someones_permit", own="someones_permit")


def test_what_a_plug_in_needs_is_allowed() -> None:
    assert faults(ALLOWED) == []


@pytest.mark.parametrize("text", REFUSED)
def test_what_reaches_out_is_refused(text: str) -> None:
    found = faults(text)
    assert any(each.startswith(REFUSED[text].partition(" (")[0]) for each in found), found


def test_pure_modules_are_of_the_standard_library() -> None:
    assert all(name.partition(".")[0] in sys.stdlib_module_names for name in PURE)
    assert not PURE & {"os", "sys", "io", "random", "time", "socket", "pathlib", "importlib", "inspect", "operator"}


# --- A whole package ------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "someones_permit"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('it ran')\n")
    (folder / "inner" / "__init__.py").write_text("from ..fees import fee\n")
    (folder / "fees.py").write_text("from .inner import x\n")
    return folder


def test_everything_of_a_package_is_read_and_nothing_run(package: Path) -> None:
    for name in ("someones_permit", "someones_permit.inner", "someones_permit.inner.deep"):
        assert faults_of_module(name) == []
        assert "someones_permit" not in sys.modules
    (package / "inner" / "hidden.py").write_text("import os\n")
    assert faults_of_module("someones_permit.fees") == ["inner/hidden.py: line 1 imports os"]


@pytest.mark.parametrize("name", ["fast.so", "fast.abi3.so", "old.pyc", "win.pyd", "start.pth"])
def test_what_is_no_source_is_refused(package: Path, name: str) -> None:
    (package / name).write_bytes(b"\0")
    assert faults_of_folder(package, "someones_permit") == [f"{name} is no source that can be read"]


def test_compiled_files_beside_their_source_are_nothing(package: Path) -> None:
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "fees.cpython-311.pyc").write_bytes(b"\0")
    assert faults_of_folder(package, "someones_permit") == []


def test_source_that_is_no_text_is_refused(package: Path) -> None:
    (package / "fees.py").write_bytes(b"\xff\xfe")
    assert faults_of_folder(package, "someones_permit") == ["fees.py cannot be read"]


def test_one_file_is_a_package_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "lonely_permit.py").write_text("import socket\n")
    assert faults_of_module("lonely_permit") == ["lonely_permit.py: line 1 imports socket"]


@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.deep", "wallet.web.app", "wallet", "math", ""])
def test_what_is_no_package_of_theirs_is_refused(name: str) -> None:
    assert len(faults_of_module(name)) == 1
