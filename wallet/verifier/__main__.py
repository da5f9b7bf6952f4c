"""`python -m wallet.verifier check CODE|IMAGE|DOCUMENT|- --bundle FILE --pin HEX`: no server, no network.

A DOCUMENT is an SD-JWT VC, as text or in a file named `.sdjwt`, or an mdoc in a file named `.mdoc`.

Exit 0: valid and accepted. 1: not valid. 2: cannot tell, not accepted here, or nothing could be checked.

`gate` checks line after line without network, `refresh` renews the bundle of its store, `upload` sends its receipts,
`refused` shows those that the service refused for good.
Exit 0: that was done. 2: it was not.
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
from wallet.errors import Unavailable
from wallet.formats import live_code
from wallet.texts.catalogue import catalogue
from wallet.verifier.answer import answer_json, first_seen_json
from wallet.verifier.bundle import BundleRefused, BundleStore, TrustedBundle, read_bundle_file, signed_twice
from wallet.verifier.credential import judge_credential, looks_like_credential
from wallet.verifier.failing import CommandFailed
from wallet.verifier.images import ImageRefused
from wallet.verifier.inputs import Given, InputRefused, read_given
from wallet.verifier.judgement import Judgement
from wallet.verifier.mdoc import judge_mdoc
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import Verdict
from wallet.verifier.replay import FileReplay
from wallet.verifier.report import printable, report
from wallet.verifier.verify import judge

EXIT_ACCEPTED, EXIT_INVALID, EXIT_CANNOT_TELL = 0, 1, 2
MAX_STDIN_BYTES = 1_048_578
TRIES = 4
"""Of one batch of receipts, in one call, by default: a minute or two."""

_MODULE = "python -m wallet.verifier"
_COMMAND = f"{_MODULE} check"
_GATE_ID = re.compile(r"[A-Z0-9-]{1,16}")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


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
        if options.command != "check":
            return EXIT_ACCEPTED if _at_gate(options) else EXIT_CANNOT_TELL
        judgement = _check(options)
    except CommandFailed as failure:
        _print_failure(failure, lang, as_json=as_json)
        return EXIT_CANNOT_TELL
    told = answer_json(judgement) | first_seen_json(judgement)
    print(_json(told) if options.json else report(judgement, options.lang))
    if judgement.accepted:
        return EXIT_ACCEPTED
    return EXIT_INVALID if judgement.verdict is Verdict.INVALID else EXIT_CANNOT_TELL


def _parser() -> _Parser:
    parser = _Parser(prog=_MODULE, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check one code", description=__doc__, allow_abbrev=False)
    check.add_argument(
        "code",
        metavar="CODE|IMAGE|DOCUMENT|-",
        help="the text of a code, a picture of it, an SD-JWT VC, a file with an mdoc, or - for stdin",
    )
    check.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the trust bundle, a compact JWS")
    _add_pins(check)
    _add_speech(check, "print the answer as JSON")
    check.add_argument("--store", type=Path, metavar="DIR", help="keep the bundle and the codes seen in this folder")
    check.add_argument("--gate", metavar="ID", help="this reader's gate: 1 to 16 of A-Z, 0-9 and -")
    check.add_argument("--recipient", action="append", default=[], metavar="NAME", help="a name of this verifier")
    check.add_argument("--at", metavar="RFC3339", help="check as of this moment instead of now")

    refresh = commands.add_parser("refresh", help="fetch the trust bundle into a store", allow_abbrev=False)
    _add_store(refresh)
    refresh.add_argument("--url", required=True, help="the service, or where its bundle is")
    _add_pins(refresh)
    _add_speech(refresh, "print what came of it as JSON")

    gate = commands.add_parser("gate", help="check line after line", allow_abbrev=False)
    _add_store(gate)
    _add_pins(gate)
    gate.add_argument("--url", help="refresh the bundle from this service, in the background")
    gate.add_argument(
        "--every", type=_seconds, default=300.0, metavar="SECONDS", help="how often; at least 10, by default 300"
    )
    gate.add_argument("--gate", metavar="ID", help="this gate: 1 to 16 of A-Z, 0-9 and -")
    gate.add_argument("--profile", type=Path, metavar="FILE", help="what this gate wants, as JSON")
    gate.add_argument("--high", action="store_true", help="show a challenge first, and demand its nonce")
    gate.add_argument("--receipts", action="store_true", help="keep a receipt of each code until it is uploaded")
    gate.add_argument("--purpose", default="", metavar="CODE", help="for which registered purpose, on the receipts")
    _add_speech(gate, "one JSON line in, one out")

    upload = commands.add_parser("upload", help="send counts and receipts to the service", allow_abbrev=False)
    _add_store(upload)
    upload.add_argument("--url", required=True, help="the service")
    upload.add_argument("--desk-key-file", required=True, type=Path, metavar="FILE", help="a file with the desk's key")
    upload.add_argument(
        "--tries",
        type=_tries,
        default=TRIES,
        metavar="N",
        help=f"of each batch while there is trouble, by default {TRIES}",
    )
    _add_speech(upload, "print what came of it as JSON")

    refused = commands.add_parser("refused", help="show what the service refused for good", allow_abbrev=False)
    _add_store(refused)
    either = refused.add_mutually_exclusive_group()
    either.add_argument("--again", action="store_true", help="let `upload` send it again")
    either.add_argument("--drop", action="store_true", help="erase it")
    _add_speech(refused, "print it as JSON")
    return parser


def _add_pins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pin",
        required=True,
        action="append",
        metavar="HEX",
        help="SHA-256 of the root's certificate; may be repeated",
    )
    parser.add_argument(
        "--second-pin",
        action="append",
        metavar="HEX",
        help="demand a bundle that is signed twice, by this ML-DSA-65 certificate too; may be repeated",
    )


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", required=True, type=Path, metavar="DIR", help="the folder of this gate")


def _add_speech(parser: argparse.ArgumentParser, as_json: str) -> None:
    parser.add_argument("--json", action="store_true", help=as_json)
    parser.add_argument("--lang", choices=("vi", "en"), default="vi", help="language below the first line")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 10 <= seconds <= 86_400:
        raise ValueError
    return seconds


def _tries(text: str) -> int:
    tries = int(text)
    if not 1 <= tries <= 20:
        raise ValueError
    return tries


def _at_gate(options: argparse.Namespace) -> bool:
    """Run a command of a gate's store; return whether it did what it is for. Raises CommandFailed."""
    from wallet.verifier import at_gate  # urllib is loaded for these alone

    _assert_gate_id(getattr(options, "gate", None))
    world = at_gate.world_of(sys.stdin.buffer, sys.stdout, sys.stderr, SystemClock())
    if options.command == "refresh":
        at_gate.store_of(options)
        return at_gate.run_refresh(options, world)
    if options.command == "upload":
        return at_gate.run_upload(options, world)
    if options.command == "refused":
        at_gate.run_refused(options, world)
    else:
        at_gate.store_of(options)
        at_gate.run_gate(options, world)
    return True


def _assert_gate_id(gate_id: str | None) -> None:
    if gate_id is not None and not _GATE_ID.fullmatch(gate_id):
        raise CommandFailed("gate", f"{_COMMAND} --help", detail=gate_id)


def _check(options: argparse.Namespace) -> Judgement:
    now = SystemClock().now() if options.at is None else _moment(options.at)
    _assert_gate_id(options.gate)
    trust = _trust(options, now)
    if now.timestamp() >= trust.next_update:
        print(catalogue(options.lang)["verifier"]["warning.next_update"], file=sys.stderr)
    given = _given(options)
    if given.mdoc is not None:
        return judge_mdoc(given.mdoc, trust, Policy(recipients=frozenset(options.recipient)), now)
    text = given.text
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
            last = None if store is None else store.last()
            token = signed_twice(token, [pin.strip().lower() for pin in options.second_pin], last)
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


def _given(options: argparse.Namespace) -> Given:
    if options.code == "-":
        return Given(sys.stdin.buffer.read(MAX_STDIN_BYTES).decode("utf-8", "replace"))
    try:
        return read_given(options.code)
    except ImageRefused as error:
        command = f"{_COMMAND} - --bundle {shlex.quote(str(options.bundle))} --pin {shlex.quote(options.pin[0])}"
        if error.code == "image_tools":
            command = "pip install zxing-cpp pillow"
        raise CommandFailed(error.code, command, **error.values) from error
    except InputRefused as error:
        command = f"ls -l {shlex.quote(error.values['path'])}"
        raise CommandFailed(error.code, command, **error.values) from error


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
