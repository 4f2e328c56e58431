"""What a notebook shows of a refusal: the user's own line and the message, not the way through this package."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType

OWN = str(Path(__file__).resolve().parents[1])


def short_traceback(message: str, trace: TracebackType | None) -> list[str]:
    """Lines of a refusal as a notebook shows them.

    Parameters
    ----------
    message : str
        ``str`` of the error.
    trace : types.TracebackType or None
        Of the error.

    Returns
    -------
    list of str
        The line from which this package was called, where it is known, and the message.

    Raises
    ------
    LookupError
        Where the reader asked for everything (``%xmode Verbose`` in IPython); IPython then shows what it always shows.

    Examples
    --------
    >>> short_traceback("OptionError [O01]: no such kind.", None)
    ['OptionError [O01]: no such kind.']
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(getattr(shell, "InteractiveTB", None), "mode", "") == "Verbose":
        raise LookupError("all of it was asked for")
    frames = traceback.extract_tb(trace)
    first = next((i for i, f in enumerate(frames) if f.filename.startswith(OWN)), 0)
    called = frames[first - 1] if first else None
    if called is None or not called.line:
        return message.splitlines()
    cell = "ipykernel" in called.filename or called.filename.startswith("<")
    place = "this cell" if cell else called.filename
    return [
        f"{place}, line {called.lineno}:",
        f"    {called.line}",
        "",
        *message.splitlines(),
        "",
        "(%xmode Verbose and %tb show the whole way through the library.)",
    ]
