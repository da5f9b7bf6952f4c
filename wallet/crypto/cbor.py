"""CBOR, written deterministically and read strictly. Source: RFC 8949; docs/wire.md, "Common rules".

A reader of our own, because a general one hides what must be refused here: which map had two equal keys, what was of
indefinite length. What it returns holds int, bytes, str, bool, list and dict, nothing else, unless a format that stands
outside docs/wire.md says what more it has (`Wider`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wallet.errors import Malformed

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 8
MAX_CODE_BYTES = 4_096
"""The cap for whatever comes out of a QR code."""

_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}
_NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(1, 8)


@dataclass(frozen=True, slots=True)
class Wider:
    """What one format has beside the common rules; every other rule and cap holds for it too.

    tags: numbers that are read as `Tagged`, wherever they stand. null: None may be a value (never a key).
    """

    tags: frozenset[int] = frozenset()
    null: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag and its content. encoded: the whole item as it was read; it is written again byte for byte as it came.

    A digest or a signature over a tagged item is over its own bytes, which a second encoding need not give back.
    """

    number: int
    content: Any
    encoded: bytes = field(default=b"", compare=False)


def encode(value: Any, *, tag: int | None = None, wider: Wider | None = None) -> bytes:
    """Return `value` in core deterministic encoding, under `tag` if one is given.

    Raises Malformed for what our own reader would refuse. Source: RFC 8949, section 4.2.1.
    """
    out: list[bytes] = [] if tag is None else [_head(_TAG, tag)]
    _write(value, out.append, 1 if tag is None else 2, wider)
    return b"".join(out)


def decode(data: bytes, *, tag: int | None = None, max_bytes: int = MAX_CODE_BYTES, wider: Wider | None = None) -> Any:
    """Return the one data item that `data` is; with `tag`, the content of that tag, which must be there.

    Unsorted keys and longer than needed heads are read; everything else that the rules exclude raises Malformed.
    wider: what is read beside them. Source: RFC 8949, section 3; docs/wire.md, "Common rules".
    """
    if len(data) > max_bytes:
        raise Malformed("more CBOR than is read here")
    position, depth = 0, 0
    try:
        if tag is not None:
            found, position = _tag_number(data)
            if found != tag:
                raise Malformed("another CBOR tag")
            depth = 1
        value, position = _read(data, position, depth, wider)
    except IndexError as error:
        raise Malformed("CBOR ends too early") from error
    except UnicodeDecodeError as error:
        raise Malformed("text is not UTF-8") from error
    if position != len(data):
        raise Malformed("bytes after the CBOR")
    return value


def byte_string_head(length: int) -> bytes:
    """Return the head of a byte string of `length` bytes. Source: RFC 8949, section 3.1."""
    if length < 24:
        return b"%c" % (0x40 | length)
    if length < 256:
        return b"\x58%c" % length
    return _head(_BYTES, length)


def _read(data: bytes, position: int, depth: int, wider: Wider | None) -> tuple[Any, int]:
    """Return the item at `position` and where the next begins; `depth`: how many arrays, maps and tags are around it.

    Written out in one function: at three calls an item, a document would take longer to read than to verify.
    """
    initial = data[position]
    position += 1
    major, argument = initial >> 5, initial & 31
    if argument > 23:
        if major == _SIMPLE:
            raise Malformed("a float, or a simple value that is not read here")
        if argument > 27:
            raise Malformed("a CBOR item of indefinite length")  # or reserved, RFC 8949, section 3
        end = position + _ARGUMENT_BYTES[argument]
        if end > len(data):
            raise Malformed("CBOR ends too early")
        argument = int.from_bytes(data[position:end], "big")
        position = end
    if _BYTES <= major <= _TEXT:
        end = position + argument
        if end > len(data):
            raise Malformed("CBOR ends too early")
        found = data[position:end]
        return (found if major == _BYTES else found.decode()), end
    if major <= _NEGATIVE:
        if argument > MAX_INTEGER - major:
            raise Malformed("an integer beyond 53 bits")
        return (~argument if major else argument), position
    if major == _SIMPLE:
        if argument == 20 or argument == 21:
            return argument == 21, position
        if argument == 22 and wider is not None and wider.null:
            return None, position
        raise Malformed("null, undefined, or a simple value that is not read here")
    depth += 1
    if depth > MAX_DEPTH:
        raise Malformed("CBOR nested too deep")
    if major == _TAG:
        if wider is None or argument not in wider.tags:
            raise Malformed("a CBOR tag where none is read")
        begin = position - 1 - _ARGUMENT_BYTES.get(initial & 31, 0)
        content, position = _read(data, position, depth, wider)
        return Tagged(argument, content, data[begin:position]), position
    if argument > len(data) - position:
        raise Malformed("CBOR ends too early")  # every item takes a byte: no loop on a promise
    if major == _MAP:
        members: dict[int | str, Any] = {}
        for _ in range(argument):
            key = data[position]
            if key < 24:  # a small integer, as almost every key is
                position += 1
            else:
                key, position = _read(data, position, depth, wider)
                if key.__class__ is not int and key.__class__ is not str:
                    raise Malformed("a key that is neither integer nor text")
            if key in members:
                raise Malformed("two equal keys")
            members[key], position = _read(data, position, depth, wider)
        return members, position
    items: list[Any] = []
    for _ in range(argument):
        item, position = _read(data, position, depth, wider)
        items.append(item)
    return items, position


def _tag_number(data: bytes) -> tuple[int, int]:
    """Return the number of the tag that `data` starts with, and where its content begins."""
    initial = data[0]
    if initial >> 5 != _TAG or initial & 31 > 27:
        raise Malformed("no CBOR tag")
    if initial & 31 < 24:
        return initial & 31, 1
    end = 1 + _ARGUMENT_BYTES[initial & 31]
    if end > len(data):
        raise Malformed("CBOR ends too early")
    return int.from_bytes(data[1:end], "big"), end


def _write(value: Any, append: Any, depth: int, wider: Wider | None) -> None:
    if isinstance(value, bool):
        append(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise Malformed("an integer beyond 53 bits")
        append(_head(0, value) if value >= 0 else _head(_NEGATIVE, ~value))
    elif isinstance(value, str):
        try:
            content = value.encode()
        except UnicodeEncodeError as error:
            raise Malformed("text that UTF-8 cannot hold") from error
        append(_head(_TEXT, len(content)) + content)
    elif isinstance(value, bytes):
        append(_head(_BYTES, len(value)) + value)
    elif value is None and wider is not None and wider.null:
        append(b"\xf6")
    elif depth > MAX_DEPTH:
        raise Malformed("CBOR nested too deep")
    elif isinstance(value, Mapping):
        append(_head(_MAP, len(value)))
        for key, member in sorted((_key(key), member) for key, member in value.items()):
            append(key)
            _write(member, append, depth + 1, wider)
    elif isinstance(value, (list, tuple)):
        append(_head(_ARRAY, len(value)))
        for item in value:
            _write(item, append, depth + 1, wider)
    elif isinstance(value, Tagged) and wider is not None and value.number in wider.tags:
        if value.encoded:
            append(value.encoded)
        else:
            append(_head(_TAG, value.number))
            _write(value.content, append, depth + 1, wider)
    else:
        raise Malformed(f"{type(value).__name__} has no place in CBOR here")


def _key(key: Any) -> bytes:
    if isinstance(key, bool) or not isinstance(key, (int, str)):
        raise Malformed("a key that is neither integer nor text")
    return encode(key)


def _head(major: int, argument: int) -> bytes:
    """Return the shortest head. Source: RFC 8949, section 4.2.1."""
    if argument < 24:
        return b"%c" % (major << 5 | argument)
    for info, size in _ARGUMENT_BYTES.items():
        if argument < 1 << 8 * size:
            return b"%c" % (major << 5 | info) + argument.to_bytes(size, "big")
    raise Malformed("a length beyond 64 bits")
