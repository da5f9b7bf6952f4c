"""How commands speak: progress on stderr, a bar in a terminal and a plain line in a pipe; errors with a way out."""

import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from wallet.clock import SystemClock
from wallet.errors import ConfigurationError, InvalidInput, WalletError
from wallet.settings import Settings
from wallet.texts.catalogue import problem

Progress = Callable[[int, int], None]


def say(text: str) -> None:
    """Say one line of what is going on."""
    click.echo(text, err=True)


def step(text: str) -> None:
    """Say that one step is done."""
    say(f"  ✓ {text}")


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show how far long work is: a bar where somebody watches, a line every five seconds where nobody does."""
    if sys.stderr.isatty():
        from rich.progress import Progress as Bar

        with Bar(transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    said_at = time.monotonic()

    def plain(done: int, total: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= 5:
            said_at = time.monotonic()
            say(f"{title}: {done}/{total}")

    yield plain


def fail(text: str, mend: str) -> NoReturn:
    """End with what went wrong and the next command to try."""
    say(f"✗ {text}")
    if mend:
        say(f"  → {mend}")
    raise SystemExit(1)


def settings() -> Settings:
    """Return the settings of this environment."""
    return Settings.from_environ(os.environ)


def command_error(error: WalletError, mend: str = "") -> NoReturn:
    """End a command because of an error of ours, in words. mend: the next command, where the caller knows better."""
    problems = getattr(error, "problems", ())
    mend = mend or getattr(error, "mend", "") or "wallet doctor"
    if problems:
        fail("\n  ".join(problems), mend)
    title, detail = problem(error.code, "vi", **error.values)
    english, _ = problem(error.code, "en", **error.values)
    fields = (
        "".join(f"\n  {pointer}: {code}" for pointer, code in error.fields.items())
        if isinstance(error, InvalidInput)
        else ""
    )
    fail(f"{title} / {english} ({error.code})\n  {detail}{fields}", mend)


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an ending for each of our errors."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except WalletError as error:
            command_error(error)
        except BrokenPipeError:
            raise  # whoever read along has gone: click ends quietly
        except OSError as error:  # a disk that is full, a file that is another's
            command_error(ConfigurationError(str(error), mend="wallet doctor"))

    return wrapped


CLOCK = SystemClock()
