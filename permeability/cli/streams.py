"""What commands print: stdout carries what was asked for, stderr messages; nobody reading is no reason to stop.

With ``--json`` stdout carries one JSON document, the result, and every line of stderr is a JSON object, an event:
a message, progress, a finding, a file that was written, an error (``permeability/data/schema/events.schema.json``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from permeability.locale.language import Words, reader_language, words

__all__ = [
    "as_json",
    "close_streams",
    "event",
    "out",
    "reader",
    "say",
    "set_json",
    "set_language",
    "stoppable",
    "tell",
]

_SPOKEN = {"json": False}
_LANGUAGE = {"asked": ""}


def set_language(language: str | None) -> None:
    """The language that is asked for; None for that of the surroundings."""
    _LANGUAGE["asked"] = language or ""


def reader() -> Words:
    """The words of whoever reads the terminal: the language that is asked for, else that of the surroundings; with
    ``--json``, which programs read, English."""
    return words("en" if as_json() else _LANGUAGE["asked"] or reader_language())


def set_json(on: bool) -> None:
    """Whether from now on everything is said as JSON."""
    _SPOKEN["json"] = on


def as_json() -> bool:
    """Whether everything is said as JSON."""
    return _SPOKEN["json"]


def event(name: str, /, **facts: Any) -> None:
    """One event, a JSON object on a line of stderr; with ``--json`` only."""
    if as_json():
        _err(json.dumps({"event": name, **facts}, ensure_ascii=False, allow_nan=False, default=str))


def say(text: str = "") -> None:
    """Print what was asked for; what no reader takes any more is dropped, so that work and exit code stay what they are.

    With ``--json`` words are a message, since stdout is the result's (:func:`permeability.cli.answers.answer`).
    """
    if as_json():
        event("message", text=text)
        return
    out(text)


def out(text: str) -> None:
    """Text onto stdout, whatever language is spoken."""
    try:
        click.echo(text)
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def tell(text: str) -> None:
    """A message to stderr; where it cannot be written (a closed pipe, a full disk), the work goes on without it."""
    if as_json():
        event("message", text=text)
    else:
        _err(text)


def _err(text: str) -> None:
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
