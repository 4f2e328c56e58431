"""What commands print: stdout carries what was asked for, stderr messages; nobody reading is no reason to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

__all__ = ["close_streams", "say", "stoppable", "tell"]


def say(text: str = "") -> None:
    """Print what was asked for; what no reader takes any more is dropped, so that work and exit code stay what they are."""
    try:
        click.echo(text)
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def tell(text: str) -> None:
    """A message to stderr; where it cannot be written (a closed pipe, a full disk), the work goes on without it."""
    try:
        click.echo(text, err=True)
    except OSError:
        _to_nowhere(sys.stderr)


def _to_nowhere(stream: Any) -> None:
    """Let a stream lead nowhere from now on, what it still holds included."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def close_streams() -> bool:
    """Write out what the streams still hold, before the interpreter does so and complains; whether all could be written."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            whole = False
            _to_nowhere(stream)
    return whole


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within, a request to end (SIGTERM, a closed terminal) unwinds as Ctrl-C does: finished work is kept, nothing half stays.

    The second request ends the process at once.
    """
    names = [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    # a process started with nohup ignores SIGHUP, and goes on doing so
    numbers = [s for n in names if signal.getsignal(s := getattr(signal, n)) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
