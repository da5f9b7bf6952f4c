"""`python -m wallet.verifier gate`, `refresh`, `upload`, `refused`: what a gate's people and operator see of them."""

import argparse
import json
import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from wallet.clock import Clock
from wallet.entropy import Entropy, SystemEntropy
from wallet.errors import Unavailable
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.verifier.answer import rfc3339
from wallet.verifier.failing import CommandFailed
from wallet.verifier.fetching import FetchFailed, Fetching, UrllibFetching
from wallet.verifier.gate import Challenges, Gate, NotJudged, Told, json_line, lines_of, told_line
from wallet.verifier.images import drawn
from wallet.verifier.outcomes import AMBER, BLUE, GREEN, GREY, LOOKS, RED, Look, Outcome
from wallet.verifier.profile import PURPOSE, Profile, ProfileRefused, read_profile
from wallet.verifier.receipts import Receipts
from wallet.verifier.refreshing import Background, Held, Level, Refreshed, Refreshing, TrustState, state_of
from wallet.verifier.replay import FileReplay
from wallet.verifier.report import age, details, headline, printable, scanned
from wallet.verifier.uploading import UploadFailed, read_desk_key, upload
from wallet.verifier.waiting import Silence, Waiting, own_reader

SEEN_FILE = "seen.sqlite"
_COMMAND = "python -m wallet.verifier"
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_BACKGROUND = {GREEN: "42;30", BLUE: "44;97", RED: "41;97", AMBER: "43;30", GREY: "100;97"}
_BELLS = {GREEN: 1, GREY: 0}


@dataclass(frozen=True, slots=True)
class World:
    """What a command meets outside: streams, time, chance, network."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO
    clock: Clock
    entropy: Entropy
    fetch: Fetching
    pause: Callable[[float], None]


def world_of(stdin: BinaryIO, stdout: TextIO, stderr: TextIO, clock: Clock) -> World:
    """Return the world of a process."""
    return World(stdin, stdout, stderr, clock, SystemEntropy(), UrllibFetching(), time.sleep)


# ── refresh ──


def run_refresh(options: argparse.Namespace, world: World) -> bool:
    """Fetch the bundle once and say what is held then; return whether the service's own is. Raises CommandFailed."""
    held = Held(options.store, _pins(options))
    now = world.clock.now()
    done = _refreshing(options, held, world).once(now)
    state = state_of(held.bundle(), now)
    if options.json:
        found = {"outcome": done.outcome, "state": state.json()}
        found |= {name: value for name, value in (("reason", done.reason), ("detail", done.detail)) if value}
        _write(world.stdout, _json_text(found))
        return done.ok
    texts = catalogue(options.lang)["verifier"]
    reason = f" ({done.reason}: {done.detail})" if done.reason else ""
    _write(world.stdout, printable(texts[f"refresh.{done.outcome}"] + reason))
    _write(world.stdout, state_words(state, texts))
    return done.ok


def _refreshing(options: argparse.Namespace, held: Held, world: World) -> Refreshing:
    try:
        return Refreshing(options.store, held, options.url, world.fetch, _second_pins(options))
    except FetchFailed as failure:
        raise CommandFailed("address", f"{_COMMAND} {options.command} --help", detail=failure.detail) from failure


def state_words(state: TrustState, texts: Mapping[str, str]) -> str:
    """Return how old what is held is, in words, honestly."""
    words = [texts[f"gate.state.{state.level.value}"]]
    if state.bundle_age_seconds is not None:
        words.append(f"{texts['label.bundle_age']}: {age(state.bundle_age_seconds, texts)}")
    if state.lists_age_seconds is not None:
        words.append(f"{texts['label.status_age']}: {age(state.lists_age_seconds, texts)}")
    if state.level is not Level.NONE:
        words.append(texts["gate.issuers"].format(count=state.issuers))
    return " · ".join(words)


# ── upload ──


def run_upload(options: argparse.Namespace, world: World) -> bool:
    """Send what waits in the store; return whether all of it was taken. Raises CommandFailed.

    What was not taken is still there: it waits, or it was refused for good and is set aside.
    """
    texts = catalogue(options.lang)["verifier"]
    receipts = _receipts(options)
    try:
        key = read_desk_key(options.desk_key_file)
        done = upload(
            receipts,
            options.url,
            key,
            world.fetch,
            tries=options.tries,
            pause=world.pause,
            clock=world.clock,
            entropy=world.entropy,
        )
        aside = receipts.refused()
    except UploadFailed as failure:
        again = shlex.join([*_COMMAND.split(), "upload", "--url", options.url, "--store", str(options.store)])
        again += f" --desk-key-file {shlex.quote(str(options.desk_key_file))}"
        raise CommandFailed(failure.code, again, detail=failure.values["detail"]) from failure
    except Unavailable as error:
        raise _no_store(options) from error
    kept = {"receipts": sum(each.receipts for each in aside), "checks": sum(each.checks for each in aside)}
    following = f"{_COMMAND} refused --store {shlex.quote(str(options.store))}"
    if options.json:
        found = {"outcome": "uploaded", "receipts": done.receipts, "checks": done.checks}
        _write(world.stdout, _json_text(found | ({"set_aside": kept, "next": following} if aside else {})))
    else:
        _write(world.stdout, texts["upload.done"].format(receipts=done.receipts, checks=done.checks))
        if aside:
            _write(world.stderr, texts["upload.set_aside"].format(**kept))
            _write(world.stderr, f"{texts['label.next']}: {printable(following)}")
    return not (done.refused or done.refused_checks)


def run_refused(options: argparse.Namespace, world: World) -> None:
    """Show what the service refused for good, let it be sent again, or erase it. Raises CommandFailed."""
    texts = catalogue(options.lang)["verifier"]
    receipts = _receipts(options)
    found: dict[str, Any]
    try:
        if options.again or options.drop:
            outcome, key = ("again", "upload.again") if options.again else ("dropped", "upload.dropped")
            moved = receipts.take_back() if options.again else receipts.drop_refused()
            found = {"outcome": outcome, "receipts": moved}
            lines = [texts[key].format(receipts=moved)]
        else:
            kept = receipts.refused()
            shown: list[dict[str, Any]] = [
                {
                    "code": each.code,
                    "refused_at": rfc3339(each.refused_at),
                    "receipts": each.receipts,
                    "checks": each.checks,
                }
                for each in kept
            ]
            found = {"outcome": "kept", "refused": shown}
            words = catalogue(options.lang)["fields"]
            lines = [
                f"{texts['upload.kept'].format(moment=row['refused_at'], **row)}"
                f" {words.get(row['code'], '')} [{row['code']}]"
                for row in shown
            ] or [texts["upload.none"]]
            lines += [texts["upload.next"]] if shown else []
    except Unavailable as error:
        raise _no_store(options) from error
    for line in [_json_text(found)] if options.json else lines:
        _write(world.stdout, line)


def _receipts(options: argparse.Namespace) -> Receipts:
    if not options.store.is_dir():
        raise _no_store(options)
    return Receipts(options.store)


def _no_store(options: argparse.Namespace) -> CommandFailed:
    return CommandFailed("store", f"ls -la {shlex.quote(str(options.store))}", detail=str(options.store))


# ── gate ──


def run_gate(options: argparse.Namespace, world: World) -> None:
    """Check line after line until there is none. Raises CommandFailed before the first, and for none after it."""
    profile = _profile(options)
    purpose = _purpose(options, profile)
    if options.high and options.gate is None:
        raise CommandFailed("high_needs_gate", f"{_COMMAND} gate --help")
    held = Held(options.store, _pins(options))
    background = None
    if options.url is not None:
        refreshing = _refreshing(options, held, world)
        if held.bundle() is None:  # a gate that has nothing waits for its first bundle, and says why it got none
            _refuse_to_start(options, held, refreshing.once(world.clock.now()))
        background = Background(refreshing, world.clock, every=options.every, entropy=world.entropy)
    elif held.bundle() is None:
        _refuse_to_start(options, held, None)
    gate = Gate(
        held,
        FileReplay(options.store / SEEN_FILE, entropy=world.entropy),
        Receipts(options.store, entropy=world.entropy),
        world.clock,
        profile,
        options.gate,
        Challenges(options.gate, world.entropy) if options.high else None,
        purpose,
    )
    if background is not None:
        background.start()
    try:
        if options.json:
            _serve_programs(gate, world)
        else:
            lines = Waiting(lines_of(own_reader(world.stdin)))
            Screen(gate, world, options.lang, lines.next).serve()
    finally:
        if background is not None:
            background.stop()


def _serve_programs(gate: Gate, world: World) -> None:
    for line in lines_of(world.stdin):
        _write(world.stdout, _json_text(json_line(gate, line)))


class Screen:
    """What the agent at a gate sees: one verdict at a time, large, by sign, word and colour; then nothing of it.

    next_line: `Waiting.next`. In high mode a challenge is shown that nobody has to ask for: when its time is over the
    next one takes its place, and with it goes the last verdict.
    """

    def __init__(self, gate: Gate, world: World, lang: str, next_line: Callable[[float | None], str | None]) -> None:
        self._gate, self._out, self._err = gate, world.stdout, world.stderr
        self._next_line = next_line
        self._lang = lang
        self._texts: Mapping[str, str] = catalogue(lang)["verifier"]
        self._is_terminal = world.stdout.isatty()
        self._in_colour = self._is_terminal and "NO_COLOR" not in os.environ
        self._checked: dict[str, int] = {}

    def serve(self) -> None:
        self._say_ready()
        try:
            while True:
                self._serve_one()
        except (EOFError, KeyboardInterrupt):
            pass
        counted = " · ".join(
            f"{self._texts[f'verdict.{verdict}']}: {count}" for verdict, count in self._checked.items()
        )
        _write(self._err, f"{self._texts['gate.over']} {counted}".rstrip())

    def _serve_one(self) -> None:
        challenges, now = self._gate.challenges, self._gate.clock.now()
        try:
            line = self._next_line(None if challenges is None else max(0.0, challenges.renewed_in(now)))
        except Silence:
            line = ""
        if self._is_terminal:
            self._out.write(_CLEAR)  # whoever was checked before is on no screen and in no scrollback
        if line is None or line.strip():
            self._tell(line)
        self._say_next()

    def _tell(self, line: str | None) -> None:
        try:
            told = told_line(self._gate, line)
        except NotJudged as failure:
            self._tell_failure(failure.code, failure.values)
        except Exception as error:  # noqa: BLE001 - a gate goes on, and what went wrong says nothing about the code
            self._tell_failure("internal", {"detail": type(error).__name__})
        else:
            self._tell_outcome(told)

    def _tell_outcome(self, told: Told) -> None:
        look = LOOKS[told.outcome]
        key, values = f"outcome.{told.outcome.value}", dict[str, str]()
        if told.outcome is Outcome.ALREADY_SCANNED and told.judgement.first_seen is not None:
            key, values = scanned(told.judgement.first_seen)
        self._large(key, look, **values)
        self._count(told.judgement.verdict.value)
        _write(self._out, details(told.judgement, self._lang))
        for rule in told.refused_for:
            _write(self._out, f"  - {self._texts[f'rule.{rule}']}")
        if self._gate.profile.minimum_age and told.judgement.document is not None:
            reached = "minimum_age" not in told.refused_for
            label = self._texts["gate.age"].format(years=self._gate.profile.minimum_age)
            _write(self._out, f"  {label}: {self._texts['label.yes' if reached else 'label.no']}")
        _write(self._out, f"  → {self._texts[f'next.{told.outcome.value}']}")

    def _tell_failure(self, code: str, values: Mapping[str, Any]) -> None:
        self._large("outcome.cannot_tell", LOOKS[Outcome.CANNOT_TELL])
        self._count("cannot_tell")
        _write(self._out, SAMPLE_MARK)
        _write(self._out, "  - " + printable(self._texts[f"error.{code}"].format(**values)))

    def _large(self, key: str, look: Look, **values: str) -> None:
        if not self._in_colour:
            _write(self._out, headline(key, look.sign, **values))
        else:
            words = [catalogue(language)["verifier"][key].format(**values) for language in LANGUAGES]
            words[0] = f"{look.sign}  {words[0]}"
            rows = "\n".join(f"\x1b[{_BACKGROUND[look.colour]};1m{row:^60}\x1b[0m" for row in ("", *words, ""))
            _write(self._out, rows)
        if self._is_terminal:
            self._out.write("\a" * _BELLS.get(look.colour, 2))

    def _count(self, verdict: str) -> None:
        self._checked[verdict] = self._checked.get(verdict, 0) + 1

    def _say_ready(self) -> None:
        _write(self._err, SAMPLE_MARK)
        title = self._gate.profile.title.get(self._lang, "")
        named = " · ".join(part for part in (printable(title), self._gate.gate_id or "") if part)
        _write(self._err, " · ".join(part for part in (self._texts["gate.ready"], named) if part))
        self._say_next()

    def _say_next(self) -> None:
        """Say below a verdict how old what it rests on is, and show the next challenge."""
        _write(self._err, state_words(self._gate.state(), self._texts))
        challenges = self._gate.challenges
        if challenges is not None:
            text, until = challenges.shown(self._gate.clock.now())
            code = drawn(text) if self._is_terminal else None
            if code is not None:
                _write(self._out, code)
            seconds = int((until - self._gate.clock.now()).total_seconds())
            _write(self._out, f"{self._texts['gate.challenge'].format(seconds=seconds)}: {text}")


def _refuse_to_start(options: argparse.Namespace, held: Held, tried: Refreshed | None) -> None:
    if held.bundle() is not None:
        return
    pins = " ".join(f"--pin {shlex.quote(pin)}" for pin in options.pin)
    url = options.url or "https://SERVICE"
    command = f"{_COMMAND} refresh --url {shlex.quote(url)} {pins} --store {shlex.quote(str(options.store))}"
    if tried is None:
        raise CommandFailed("no_bundle", command)
    if tried.reason == "key_not_allowed":
        raise CommandFailed("pin_wrong", "openssl x509 -in ROOT.pem -outform DER | sha256sum")
    raise CommandFailed("bundle_refused", command, detail=f"{tried.reason}: {tried.detail}")


def _profile(options: argparse.Namespace) -> Profile:
    if options.profile is None:
        return Profile()
    try:
        return read_profile(options.profile)
    except ProfileRefused as refused:
        raise CommandFailed("profile", f"{_COMMAND} gate --help", detail=refused.values["detail"]) from refused


def _purpose(options: argparse.Namespace, profile: Profile) -> str | None:
    """Return for which purpose receipts are kept, None where they are not wanted."""
    if not options.receipts:
        return None
    purpose: str = options.purpose or profile.purpose
    if not PURPOSE.fullmatch(purpose):
        raise CommandFailed("purpose", f"{_COMMAND} gate --help", detail=purpose)
    return purpose


def _pins(options: argparse.Namespace) -> list[str]:
    return [pin.strip().lower() for pin in options.pin]


def _second_pins(options: argparse.Namespace) -> list[str]:
    return [pin.strip().lower() for pin in options.second_pin or ()]


def _json_text(answer: Mapping[str, Any]) -> str:
    """Return one line of JSON that cannot steer a terminal either."""
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else json.dumps(answer, separators=(",", ":"))


def _write(stream: TextIO, text: str) -> None:
    """Write a line, at once: whoever reads it waits for it."""
    stream.write(text + "\n")
    stream.flush()


def store_of(options: argparse.Namespace) -> Path:
    """Return the folder of a store, made where it is not there yet. Raises CommandFailed."""
    store: Path = options.store
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed("store", f"ls -ld {shlex.quote(str(store.parent))}", detail=str(error)) from error
    return store
