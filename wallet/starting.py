"""Starting: while a process imports and builds what it lives on, nothing of that is garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def starting() -> Iterator[None]:
    """Look for no garbage while a process starts, nor ever after among what the start made.

    Going through some hundred thousand objects that all stay, again and again, is a quarter of a start, and the first
    request pays once more. What is frozen is not written to either: workers that are forked share it.
    Source: Python documentation, `gc.freeze`.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
