"""What the source of a plug-in may name: read before any of it runs.

This keeps an honest plug-in honest and shows a reviewer where to look. It is no prison: whoever may install a package
on a server is trusted with it (docs/decisions/0015-the-contract-of-a-utility.md).
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from wallet.utilities import base

CONTRACT = "wallet.utilities.base"
PURE = frozenset(
    {
        "__future__",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "itertools",
        "math",
        "re",
        "string",
        "types",
        "typing",
        "unicodedata",
    }
)
"""What a plug-in may import of the standard library: nothing that opens, asks, waits or draws."""

FORBIDDEN_BUILTINS = frozenset(
    [
        "__import__",
        "breakpoint",
        "compile",
        "delattr",
        "dir",
        "eval",
        "exec",
        "exit",
        "getattr",
        "globals",
        "hash",
        "help",
        "id",
        "input",
        "locals",
        "open",
        "print",
        "quit",
        "setattr",
        "vars",
    ]
)
"""What reaches out, or reaches anything by a name that is made up while running; `hash` and `id` draw."""

FORBIDDEN_NAMES = frozenset(
    [
        "CodeType",
        "Formatter",
        "ForwardRef",
        "FunctionType",
        "evaluate_forward_ref",
        "get_type_hints",
        "global_enum",
        "make_dataclass",
        "new_class",
        "prepare_class",
        "singledispatch",
        "singledispatchmethod",
        "update_wrapper",
        "wraps",
    ]
)
"""Of the pure modules: what evaluates text, follows attributes by their names or makes code."""

FRAME_ATTRIBUTES = frozenset(
    [
        "ag_code",
        "ag_frame",
        "cr_code",
        "cr_frame",
        "f_back",
        "f_builtins",
        "f_code",
        "f_globals",
        "f_locals",
        "gi_code",
        "gi_frame",
        "gi_yieldfrom",
        "tb_frame",
        "tb_next",
    ]
)
FOLLOWING_ATTRIBUTES = frozenset({"format", "format_map"})
"""Methods of text that follow what it names, as `"{0.__globals__}".format(f)` does; f-strings are read like code."""

FORBIDDEN_ATTRIBUTES = FRAME_ATTRIBUTES | FOLLOWING_ATTRIBUTES
BINARIES = (*EXTENSION_SUFFIXES, ".pyc", ".pyd", ".pth")
CLOCKS = frozenset({"now", "today", "utcnow"})
DUNDERS_TO_SET = frozenset({"__all__", "__slots__"})


def faults_of_module(name: str) -> list[str]:
    """Return what is wrong with the source of a plug-in, without importing it.

    Of a package of somebody else everything is read, for all of it may run; of a folder of ours that folder.
    """
    try:
        folders = list(_folders(name))
    except (ImportError, ValueError, AttributeError) as error:
        return [f"it is not there ({error.__class__.__name__})"]
    if not folders:
        return ["it has no source to look at"]
    return [fault for folder in folders for fault in faults_of_folder(folder, _own(name))]


def faults_of_folder(folder: Path, own: str) -> list[str]:
    """Return what is wrong with every file below a folder. own: the dotted name of that folder."""
    found: list[str] = []
    if folder.is_file():
        return list(_faults_of_file(folder, own.rpartition(".")[0], own, folder.name))
    for path in sorted(folder.rglob("*")):
        shown = path.relative_to(folder).as_posix()
        if path.suffix == ".py":
            package = ".".join([own, *path.relative_to(folder).parent.parts])
            found += _faults_of_file(path, package, own, shown)
        elif path.name.endswith(BINARIES) and "__pycache__" not in path.parts:
            found.append(f"{shown} is no source that can be read")
    return found


def faults_of_source(text: str, *, package: str, own: str) -> list[str]:
    """Return what is wrong with one source, one sentence each. package: that relative imports start from."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return [f"it is not Python ({error.__class__.__name__})"]
    return list(_Reading(package, own).faults(tree))


def _faults_of_file(path: Path, package: str, own: str, shown: str) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        yield f"{shown} cannot be read"
        return
    for fault in faults_of_source(text, package=package, own=own):
        yield f"{shown}: {fault}"


def _own(name: str) -> str:
    """Return the dotted name below which a plug-in is at home."""
    return name if name.startswith("wallet.") else name.partition(".")[0]


def _folders(name: str) -> Iterator[Path]:
    if name.partition(".")[0] == "wallet" and not name.startswith("wallet.utilities."):
        raise ImportError("not a place for a plug-in")
    spec = find_spec(_own(name))
    if spec is None:
        raise ModuleNotFoundError(name)
    if spec.submodule_search_locations is not None:
        yield from (Path(each) for each in spec.submodule_search_locations)
    elif spec.origin and spec.origin.endswith(".py"):
        yield Path(spec.origin)


class _Reading:
    """One source, read once."""

    def __init__(self, package: str, own: str) -> None:
        self.package = package
        self.own = own
        self.modules: dict[str, str] = {}
        self.classes_of_time: set[str] = set()
        self.used_rightly: set[ast.Name] = set()

    def faults(self, tree: ast.Module) -> Iterator[str]:
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from self._import(node)
            elif isinstance(node, ast.ImportFrom):
                yield from self._import_from(node)
        for node in nodes:
            yield from self._faults_of_node(node)
        for node in nodes:
            if isinstance(node, ast.Name) and node.id in self.modules and node not in self.used_rightly:
                yield f"line {node.lineno} hands the module {node.id} on"

    def _import(self, node: ast.Import) -> Iterator[str]:
        for alias in node.names:
            if alias.name not in PURE:
                hint = f"; write from {alias.name} import ..." if self._is_home(alias.name) else ""
                yield f"line {node.lineno} imports {alias.name}{hint}"
            self.modules[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )

    def _import_from(self, node: ast.ImportFrom) -> Iterator[str]:
        name = node.module or ""
        if node.level:
            parts = self.package.split(".")[: len(self.package.split(".")) - (node.level - 1)]
            name = ".".join([*parts, *([node.module] if node.module else [])])
            if node.level > len(self.package.split(".")) or not self._is_own(name):
                yield f"line {node.lineno} imports from outside its folder"
                return
        if self._is_own(name):
            return
        if name == CONTRACT:
            beyond = sorted(alias.name for alias in node.names if alias.name not in base.__all__)
            yield from (f"line {node.lineno} takes {each} from the contract, which does not give it" for each in beyond)
            return
        if name not in PURE:
            yield f"line {node.lineno} imports {name}"
            return
        for alias in node.names:
            if alias.name == "*" or not _is_public(name, alias.name):
                yield f"line {node.lineno} takes {alias.name} from {name}"
            if name == "datetime":
                self.classes_of_time.add(alias.asname or alias.name)

    def _faults_of_node(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Name(id=name):
                if name in FORBIDDEN_BUILTINS or (name.startswith("__") and name not in DUNDERS_TO_SET):
                    yield f"line {node.lineno} uses {name}"
            case ast.Attribute(value=ast.Name(id=name) as module, attr=attribute) if name in self.modules:
                self.used_rightly.add(module)
                if not _is_public(self.modules[name], attribute) and f"{name}.{attribute}" not in PURE:
                    yield f"line {node.lineno} uses {name}.{attribute}"
            case ast.Attribute(attr=attribute):
                if _is_forbidden(attribute):
                    yield f"line {node.lineno} uses {attribute}"
                if attribute in CLOCKS and self._is_time(node.value):
                    yield f"line {node.lineno} asks for the time; it is handed in"
            case ast.Call(func=ast.Attribute(attr=attribute)) if attribute in CLOCKS:
                yield f"line {node.lineno} asks for the time; it is handed in"
            case ast.MatchClass(kwd_attrs=attributes):
                yield from (f"line {node.lineno} uses {name}" for name in attributes if _is_forbidden(name))

    def _is_time(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Name):
            return value.id in self.classes_of_time
        return isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id in self.modules

    def _is_own(self, name: str) -> bool:
        return name == self.own or name.startswith(self.own + ".")

    def _is_home(self, name: str) -> bool:
        return name == CONTRACT or self._is_own(name)


def _is_forbidden(attribute: str) -> bool:
    return attribute.startswith("__") or attribute in FORBIDDEN_ATTRIBUTES


@cache
def _is_public(module: str, name: str) -> bool:
    """Return whether a pure module gives this name to everyone, and the name is no door to another module."""
    if module not in PURE or name in FORBIDDEN_NAMES:
        return False
    value = import_module(module)
    public: Iterable[str] = getattr(value, "__all__", None) or (
        each for each in vars(value) if not each.startswith("_")
    )
    members: Mapping[str, object] = vars(value)
    return name in public and not isinstance(members.get(name), ModuleType)
