"""`python -m wallet.verifier check CODE|IMAGE|DOCUMENT|- --bundle FILE --pin HEX`: no server, no network.

A DOCUMENT is an SD-JWT VC, as text or in a file named `.sdjwt`, or an mdoc in a file named `.mdoc`.

Exit 0: valid and accepted. 1: not valid. 2: cannot tell, not accepted here, or nothing could be checked.
"""

import argparse
import io
import json
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from wallet.clock import SystemClock
from wallet.errors import Unavailable, WalletError
from wallet.formats import cwt_code, live_code
from wallet.formats.mdoc.values import MAX_BYTES
from wallet.formats.sd_jwt import MAX_CHARACTERS
from wallet.texts.catalogue import catalogue
from wallet.verifier.answer import answer_json
from wallet.verifier.bundle import BundleRefused, BundleStore, TrustedBundle, read_bundle_file, signed_twice
from wallet.verifier.credential import judge_credential, looks_like_credential
from wallet.verifier.images import SUFFIXES, ImageRefused, code_from_image
from wallet.verifier.judgement import Judgement
from wallet.verifier.mdoc import judge_mdoc
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import Verdict
from wallet.verifier.replay import FileReplay
from wallet.verifier.report import printable, report
from wallet.verifier.verify import judge

EXIT_ACCEPTED, EXIT_INVALID, EXIT_CANNOT_TELL = 0, 1, 2
MAX_STDIN_BYTES = 1_048_578
DOCUMENT_SUFFIX = ".sdjwt"
MDOC_SUFFIX = ".mdoc"

_COMMAND = "python -m wallet.verifier check"
_GATE_ID = re.compile(r"[A-Z0-9-]{1,16}")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class CommandFailed(WalletError):
    """Nothing was checked. code: a key of the texts under `error.`. next_command: what to try."""

    def __init__(self, code: str, next_command: str, **values: Any) -> None:
        super().__init__(code, **values)
        self.next_command = next_command


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandFailed("usage", f"{_COMMAND} --help", detail=message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = "en" if "--lang=en" in given or ("--lang", "en") in pairwise(given) else "vi"
    as_json = "--json" in given
    try:
        code = _run(given, lang, as_json=as_json)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - whatever went wrong here, it says nothing about the code: never exit 1
        with suppress(OSError):
            _print_failure(CommandFailed("internal", f"{_COMMAND} --help", detail=repr(error)), lang, as_json=as_json)
        sys.stdout = io.StringIO()  # what cannot be written is not tried again on the way out, which would exit 120
        return EXIT_CANNOT_TELL
    return code


def _run(given: list[str], lang: str, *, as_json: bool) -> int:
    try:
        options = _parser().parse_args(given)
        judgement = _check(options)
    except CommandFailed as failure:
        _print_failure(failure, lang, as_json=as_json)
        return EXIT_CANNOT_TELL
    print(_json(answer_json(judgement)) if options.json else report(judgement, options.lang))
    if judgement.accepted:
        return EXIT_ACCEPTED
    return EXIT_INVALID if judgement.verdict is Verdict.INVALID else EXIT_CANNOT_TELL


def _parser() -> _Parser:
    parser = _Parser(prog="python -m wallet.verifier", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check one code", description=__doc__, allow_abbrev=False)
    check.add_argument(
        "code",
        metavar="CODE|IMAGE|DOCUMENT|-",
        help="the text of a code, a picture of it, an SD-JWT VC, a file with an mdoc, or - for stdin",
    )
    check.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the trust bundle, a compact JWS")
    check.add_argument(
        "--pin",
        required=True,
        action="append",
        metavar="HEX",
        help="SHA-256 of the root's certificate; may be repeated",
    )
    check.add_argument(
        "--second-pin",
        action="append",
        metavar="HEX",
        help="demand a bundle that is signed twice, by this ML-DSA-65 certificate too; may be repeated",
    )
    check.add_argument("--json", action="store_true", help="print the answer as JSON")
    check.add_argument("--lang", choices=("vi", "en"), default="vi", help="language below the first line")
    check.add_argument("--store", type=Path, metavar="DIR", help="keep the bundle and the codes seen in this folder")
    check.add_argument("--gate", metavar="ID", help="this reader's gate: 1 to 16 of A-Z, 0-9 and -")
    check.add_argument("--recipient", action="append", default=[], metavar="NAME", help="a name of this verifier")
    check.add_argument("--at", metavar="RFC3339", help="check as of this moment instead of now")
    return parser


def _check(options: argparse.Namespace) -> Judgement:
    now = SystemClock().now() if options.at is None else _moment(options.at)
    if options.gate is not None and not _GATE_ID.fullmatch(options.gate):
        raise CommandFailed("gate", f"{_COMMAND} --help", detail=options.gate)
    trust = _trust(options, now)
    if now.timestamp() >= trust.next_update:
        print(catalogue(options.lang)["verifier"]["warning.next_update"], file=sys.stderr)
    if Path(options.code).suffix.lower() == MDOC_SUFFIX:
        policy = Policy(recipients=frozenset(options.recipient))
        return judge_mdoc(_document_file(Path(options.code), MAX_BYTES + 1), trust, policy, now)
    text = _text(options)
    if options.store is None and text.strip().startswith(live_code.PREFIX):
        print(catalogue(options.lang)["verifier"]["warning.no_memory"], file=sys.stderr)
    if looks_like_credential(text):
        return judge_credential(text, trust, Policy(recipients=frozenset(options.recipient)), now)
    policy = Policy(gate_id=options.gate, recipients=frozenset(options.recipient))
    replay = None if options.store is None else FileReplay(options.store / "seen.sqlite")
    try:
        return judge(text, trust, policy, now, replay)
    except Unavailable as error:
        command = f"ls -ld {shlex.quote(str(options.store))}"
        raise CommandFailed("replay", command, detail=str(options.store)) from error


def _trust(options: argparse.Namespace, now: datetime) -> TrustedBundle:
    """Return the bundle given, or, where that is not taken, the one held in the store."""
    pins = [pin.strip().lower() for pin in options.pin]
    fetch = f"curl -fsSo {shlex.quote(str(options.bundle))} https://SERVICE/v1/trust/bundle"
    store = None if options.store is None else BundleStore(options.store)
    try:
        try:
            token = read_bundle_file(options.bundle)
        except OSError as error:
            raise CommandFailed("bundle_missing", fetch, detail=str(error)) from error
        if options.second_pin:
            token = signed_twice(token, [pin.strip().lower() for pin in options.second_pin])
        if store is not None:
            return store.offer(token, pins, now)
        return TrustedBundle.from_jws(token, pins, now)
    except (BundleRefused, CommandFailed) as refused:
        held = _held(store, pins)
        detail = refused.detail or refused.reason if isinstance(refused, BundleRefused) else refused.values["detail"]
        if held is not None:
            warning = catalogue(options.lang)["verifier"]["warning.bundle_kept"].format(detail=printable(detail))
            print(warning, file=sys.stderr)
            return held
        if isinstance(refused, CommandFailed):
            raise
        if refused.reason == "key_not_allowed":
            raise CommandFailed("pin_wrong", "openssl x509 -in ROOT.pem -outform DER | sha256sum") from refused
        if refused.reason == "store_unreadable":
            fetch = f"ls -la {shlex.quote(str(options.store))}"
        raise CommandFailed("bundle_refused", fetch, detail=f"{refused.reason}: {detail}") from refused


def _held(store: BundleStore | None, pins: list[str]) -> TrustedBundle | None:
    try:
        return None if store is None else store.held(pins)
    except BundleRefused:
        return None


def _text(options: argparse.Namespace) -> str:
    given: str = options.code
    if given == "-":
        return sys.stdin.buffer.read(MAX_STDIN_BYTES).decode("utf-8", "replace")
    if given.strip().startswith((cwt_code.PREFIX, live_code.PREFIX)) or looks_like_credential(given):
        return given
    path = Path(given)
    if path.suffix.lower() == DOCUMENT_SUFFIX:
        return _document_file(path, MAX_CHARACTERS + 2).decode("latin-1")
    if path.suffix.lower() not in SUFFIXES and not _is_file(path):
        return given  # neither a code nor a file: the verdict says so
    try:
        return code_from_image(path)
    except ImageRefused as error:
        command = f"{_COMMAND} - --bundle {shlex.quote(str(options.bundle))} --pin {shlex.quote(options.pin[0])}"
        if error.code == "image_tools":
            command = "pip install zxing-cpp pillow"
        raise CommandFailed(error.code, command, **error.values) from error


def _document_file(path: Path, most: int) -> bytes:
    """Return what a file holds; no more of it is read than a document has."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        raise CommandFailed("document_missing", f"ls -l {shlex.quote(str(path))}", detail=str(error)) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name no file can have: too long, or with a NUL
        return False


def _moment(text: str) -> datetime:
    """Return a moment as RFC 3339, section 5.6, writes it."""
    try:
        if _RFC3339.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:
        pass
    raise CommandFailed("time", f"{_COMMAND} --help", detail=text)


def _print_failure(failure: CommandFailed, lang: str, *, as_json: bool) -> None:
    texts = catalogue(lang)["verifier"]
    message = printable(texts[f"error.{failure.code}"].format(**failure.values))
    if as_json:
        answer = {"verdict": "cannot_tell", "accepted": False, "error": failure.code}
        print(_json(answer | {"detail": message, "next": failure.next_command}))
        return
    both = "  |  ".join(catalogue(language)["verifier"]["verdict.cannot_tell"] for language in ("vi", "en"))
    print(f"============  {both}  ============")
    print(message, file=sys.stderr)
    print(f"{texts['label.next']}: {printable(failure.next_command)}", file=sys.stderr)


def _json(answer: dict[str, Any]) -> str:
    """Return JSON that reads well, and that cannot steer a terminal either."""
    text = json.dumps(answer, ensure_ascii=False, indent=2)
    return text if text.replace("\n", "").isprintable() else json.dumps(answer, indent=2)


if __name__ == "__main__":
    sys.exit(main())
