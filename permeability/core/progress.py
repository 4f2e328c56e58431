"""One way to be told how far a job has come: a bar, a class of bars, or a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from permeability.core.errors import OptionError

__all__ = ["told_by"]

Tell = Callable[[int, int], None]


def told_by(progress: Any, what: str = "") -> Tell | None:
    """What calls a job makes while it works, from whatever a user hands over as ``progress``.

    Parameters
    ----------
    progress : bool, None, callable or class of tqdm bars
        None or False: nobody is told.  True: a bar of tqdm, in a notebook or a terminal.  A class such as ``tqdm.tqdm``: a
        bar of that class.  A function: called with (done, all), or with (what, done, all) when it takes three.
    what : str
        The job, in a word.

    Returns
    -------
    callable or None
        To be called with (done, all).

    Raises
    ------
    OptionError
        A08 for anything else.

    Examples
    --------
    >>> seen = []
    >>> told_by(lambda done, total: seen.append((done, total)))(1, 2)
    >>> told_by(lambda what, done, total: seen.append(what), "rank")(1, 2)
    >>> seen, told_by(None), told_by(False)
    ([(1, 2), 'rank'], None, None)
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        from tqdm.auto import tqdm

        return _Bar(tqdm, what)
    if inspect.isclass(progress) and hasattr(progress, "update"):
        return _Bar(progress, what)
    if not callable(progress):
        raise OptionError(
            "A08",
            f"progress cannot be {progress!r}.",
            remedy="give True for a bar, tqdm, or a function of (done, all)",
        )
    return _named(progress, what)


def _named(progress: Callable[..., None], what: str) -> Tell:
    """A function of two or of three."""
    try:
        parameters = list(inspect.signature(progress).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return progress
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    if len(needed) == 3:
        return lambda done, total: progress(what, done, total)
    return progress


class _Bar:
    """A bar of tqdm, made at the first call and closed at the last."""

    def __init__(self, kind: Any, what: str) -> None:
        self.kind, self.what, self.bar = kind, what, None

    def __call__(self, done: int, total: int) -> None:
        if self.bar is None:
            self.bar = self.kind(total=total, desc=self.what or None)
        bar: Any = self.bar
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()
            self.bar = None
