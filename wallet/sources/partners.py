"""Which registers are a partner's API: the file that `WALLET_SOURCES_HTTP_FILE` names, read and checked at the start.

A JSON object, code of a register to how it is asked; a code that the wallet does not know is a third party's register.
docs/operating.md section 11 has an example.
"""

import json
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from wallet.errors import ConfigurationError
from wallet.hosts import is_this_machine
from wallet.sources.base import RegisterCode
from wallet.sources.shapes import REQUIRED, SHAPES, FactKind, Shape
from wallet.wire import REACHED, connect, until

SETTING = "WALLET_SOURCES_HTTP_FILE"
KNOWN = frozenset(map(str, RegisterCode))
_CODE = validate.Regexp(r"^[a-z][a-z0-9_]{1,31}\Z")
_FACT = validate.Regexp(r"^[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63})?\Z")
_KINDS = frozenset(map(str, FactKind))


@dataclass(frozen=True, slots=True)
class Partner:
    """How one register is asked.

    agency: MaDonVi, ours as the partner knows us. integration_code: MaTichHop. procedures: our procedure to the
    partner's MaDVC. budget_seconds: for one question, every attempt and wait included. attempts: in all.
    open_after: failures in a row until it is left alone for rest_seconds. facts: our name to the partner's, where they
    differ. shape: what it may state. names: what people call the register, by language. changes_url: where it tells
    whom something changed of; empty where it does not.
    """

    code: str
    url: str
    agency: str
    integration_code: str
    api_key: str = field(repr=False)
    shape: Shape
    connect_seconds: float = 2.0
    read_seconds: float = 4.0
    budget_seconds: float = 6.0
    attempts: int = 3
    open_after: int = 5
    rest_seconds: float = 30.0
    most_bytes: int = 1 << 20
    connections: int = 8
    changes_url: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    procedures: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def required(self) -> frozenset[str]:
        """Facts, and parts of each record (`records.part`), that no answer may lack."""
        return REQUIRED.get(self.code, frozenset())

    @property
    def place(self) -> str:
        """Where it is, without path and query: for logs and for people."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.url))


def read_partners(path: str) -> tuple[Partner, ...]:
    """Return the partners of a file, none for an empty path. Raises ConfigurationError with every problem at once."""
    if not path:
        return ()
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{SETTING}: {path} cannot be read ({error})", mend="wallet doctor") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{SETTING}: {path} is no JSON object", mend="wallet doctor")
    problems: list[str] = []
    partners = [_partner(code, stated, Path(path).parent, problems) for code, stated in content.items()]
    if problems:
        raise ConfigurationError(*(f"{SETTING}: {problem}" for problem in problems), mend="wallet doctor")
    return tuple(partner for partner in partners if partner is not None)


def reach(partner: Partner) -> str:
    """Return `answers` when the partner's servers can be connected to, else what stands in the way. Asks nothing."""
    for url in filter(None, (partner.url, partner.changes_url)):
        with until(time.monotonic() + partner.budget_seconds):
            state = connect(url, connect=partner.connect_seconds, seconds=partner.read_seconds)
        if state != REACHED:
            return state
    return REACHED


def _partner(code: str, stated: Any, folder: Path, problems: list[str]) -> Partner | None:
    before = len(problems)
    schema = _PartnerSchema()
    try:
        _CODE(code)
    except ValidationError:
        problems.append(f"{code!r} is no code of a register: a-z, 0-9 and _, at most 32")
    known: dict[str, Any] = {}
    try:
        known = schema.load(stated)
    except ValidationError as error:
        problems += [f"{code}.{place}: {text}" for place, text in _flat(error.normalized_messages(), "")]
        known = error.valid_data if isinstance(error.valid_data, dict) else {}
    shape = _shape(code, stated if isinstance(stated, dict) else {}, known, problems)
    key = _key(code, known.pop("api_key_file", None), folder, problems)
    if len(problems) > before:
        return None
    known.pop("shape", None)
    known["names"] = known.pop("name", {})
    return Partner(code=code, api_key=key, shape=shape, **known)


def _shape(code: str, given: Any, known: Mapping[str, Any], problems: list[str]) -> Shape:
    """Return what the register may state: by the wallet's own list, or as the file declares a third party's.

    given: the entry as it stands in the file; known: what of it is in order.
    """
    stated = known.get("shape")
    if code in KNOWN:
        if stated is not None:
            problems.append(f"{code}.shape: the wallet knows the shape of this register")
        names = _names(SHAPES[code])
        # Whose answer it is can be called otherwise in every register.
        unknown = sorted(set(known.get("facts", {})) - names - {"number", "former_numbers"})
        problems += [f"{code}.facts.{name}: no such fact" for name in unknown]
        return SHAPES[code]
    for name, reason in (("shape", "does not know"), ("name", "has no words for")):
        if name not in given:
            problems.append(f"{code}.{name}: missing, for the wallet {reason} this register")
    if not stated:
        return {}
    return {
        name: {inner: FactKind(kind) for inner, kind in declared.items()}
        if isinstance(declared, dict)
        else FactKind(declared)
        for name, declared in stated.items()
    }


def _names(shape: Shape) -> set[str]:
    inner = {f"{name}.{each}" for name, kind in shape.items() if isinstance(kind, Mapping) for each in kind}
    return set(shape) | inner


def _key(code: str, file: str | None, folder: Path, problems: list[str]) -> str:
    """Return the key for the partner's API; a relative path counts from the file that names it."""
    if file is None:
        return ""
    path = folder / file
    try:
        mode, key = path.stat().st_mode, path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        problems.append(f"{code}.api_key_file: {path} cannot be read ({type(error).__name__})")
        return ""
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        problems.append(f"{code}.api_key_file: {path} can be read by others than its owner: chmod 600")
    if not key or not key.isprintable() or " " in key:
        problems.append(f"{code}.api_key_file: {path} holds no key")
    return key


def _flat(messages: Any, place: str) -> list[tuple[str, str]]:
    """Return every message of a validation with its place."""
    if isinstance(messages, dict):
        return [each for name, inner in messages.items() for each in _flat(inner, f"{place}.{name}".lstrip("."))]
    return [(place.removesuffix("._schema").removesuffix(".value"), " ".join(map(str, messages)))]


def _address(text: str) -> None:
    """Accept an https address; http only where it stays on this machine."""
    try:
        parts, _ = urlsplit(text), httpx.URL(text)
        port = parts.port
    except (ValueError, httpx.InvalidURL) as error:
        raise ValidationError("is no address") from error
    host = parts.hostname or ""
    visible = all("!" <= letter <= "~" for letter in text)
    if not visible or not host or parts.username or parts.password or parts.fragment or port == 0:
        raise ValidationError("is no address such as https://api.example.vn/v1/persons")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host)):
        raise ValidationError("must be https")


def _kinds(stated: Mapping[str, Any]) -> None:
    for name, kind in stated.items():
        inner = kind.values() if isinstance(kind, dict) else [kind]
        if not inner or not all(isinstance(each, str) and each in _KINDS for each in inner):
            raise ValidationError(f"{name} must be one of {', '.join(sorted(_KINDS))}, or an object of these")


def _seconds(low: float, high: float, default: float) -> fields.Float:
    return fields.Float(load_default=default, validate=validate.Range(low, high))


def _text(longest: int) -> fields.String:
    shape = validate.Regexp(rf"^[\x21-\x7e]{{1,{longest}}}\Z", error=f"must be 1 to {longest} visible ASCII characters")
    return fields.String(required=True, validate=shape)


def _both(stated: Mapping[str, str]) -> None:
    if set(stated) != {"vi", "en"}:
        raise ValidationError("must have both vi and en")


class _PartnerSchema(Schema):
    """One entry of the file. Lengths of the codes: docs/domain.md section 6.1."""

    url = fields.String(required=True, validate=_address)
    changes_url = fields.String(load_default="", validate=_address)
    agency = _text(35)
    integration_code = _text(20)
    api_key_file = fields.String(required=True, validate=validate.Length(1))
    connect_seconds = _seconds(0.05, 30, 2.0)
    read_seconds = _seconds(0.05, 60, 4.0)
    budget_seconds = _seconds(0.1, 60, 6.0)
    attempts = fields.Integer(load_default=3, strict=True, validate=validate.Range(1, 5))
    open_after = fields.Integer(load_default=5, strict=True, validate=validate.Range(1, 100))
    rest_seconds = _seconds(0.1, 3600, 30.0)
    most_bytes = fields.Integer(load_default=1 << 20, strict=True, validate=validate.Range(256, 16 << 20))
    connections = fields.Integer(load_default=8, strict=True, validate=validate.Range(1, 100))
    facts = fields.Dict(
        keys=fields.String(validate=_FACT),
        values=fields.String(validate=validate.Length(1, 100)),
        load_default=dict,
    )
    procedures = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=_text(20),
        load_default=dict,
    )
    shape = fields.Dict(keys=fields.String(validate=_FACT), validate=_kinds)
    name = fields.Dict(
        keys=fields.String(validate=validate.OneOf(["vi", "en"])),
        values=fields.String(validate=validate.Length(1, 100)),
        validate=_both,
    )

    @validates_schema(skip_on_field_errors=True)
    def check_budget(self, data: dict[str, Any], **_: Any) -> None:
        """A budget that ends before one attempt could makes every question fail."""
        if data["budget_seconds"] < data["connect_seconds"]:
            raise ValidationError("is less than connect_seconds", "budget_seconds")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
