"""One way to be told how far a job has come: a bar, a class of bars, or a function.

Every long function takes ``progress``: True for a bar, False for none, ``tqdm`` or another class of such bars, or a function of
(done, all), of (what, done, all), or of one :class:`permeability.core.tasks.Progress`.  Where nothing is said a notebook shows
a bar once the work has lasted two seconds, and a script shows nothing.  The log ``permeability.progress`` is told anyway.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, Literal, ParamSpec, TypeVar

from permeability.core.errors import OptionError
from permeability.core.journal import PROGRESS, in_notebook

__all__ = ["Job", "long_job", "telling", "told_by"]

P = ParamSpec("P")
R = TypeVar("R")
Tell = Callable[[int, int], None]
Steps = Callable[[str, int, int], None]

QUIET_S = 2.0  # that a job may last in a notebook before a bar is shown without being asked for
_AT_WORK = {"jobs": 0}  # jobs within jobs show no bar of their own
_LOCK = threading.Lock()


class Job:
    """Whom a job tells how far it is, in the form that its function calls.

    Attributes
    ----------
    what : str
        The job, in a word.
    steps : callable or None
        ``steps(step, done, all)``; None when nobody listens.

    Examples
    --------
    >>> seen = []
    >>> with telling(lambda what, done, total: seen.append((what, done, total)), "rank") as job:
    ...     job.done(1, 2)
    >>> seen
    [('rank', 1, 2)]
    """

    def __init__(self, what: str, steps: Steps | None, whole: Callable[[Any], None] | None) -> None:
        self.what, self.steps, self._whole = what, steps, whole

    @property
    def done(self) -> Tell | None:
        """``done(done, all)``."""
        steps, what = self.steps, self.what
        return None if steps is None else lambda done, total: steps(what, done, total)

    @property
    def tasks(self) -> Callable[[Any], None] | None:
        """For :func:`permeability.core.tasks.run_tasks`: called with a Progress."""
        if self._whole is not None or self.steps is None:
            return self._whole
        steps, what = self.steps, self.what
        return lambda progress: steps(what, progress.done, progress.total)


@contextlib.contextmanager
def telling(progress: Any, what: str) -> Iterator[Job]:
    """A job, from its beginning to its end: bars are closed whatever happens.

    Parameters
    ----------
    progress : bool, None, callable or class of tqdm bars
        See :func:`told_by`.
    what : str

    Yields
    ------
    Job

    Raises
    ------
    OptionError
        A08.

    Examples
    --------
    >>> with telling(None, "rank") as job:
    ...     job.done is None  # nobody listens, so nobody is told
    True
    """
    with _LOCK:
        outermost = _AT_WORK["jobs"] == 0
        steps, close = _listener(progress, outermost)
        _AT_WORK["jobs"] += 1
    begun = time.monotonic()
    if outermost:
        PROGRESS.info("%s: begun", what)
    single = callable(progress) and not inspect.isclass(progress) and _takes(progress) == 1
    whole = progress if single else None
    try:
        yield Job(what, steps if not outermost else _logged(steps), whole)
    finally:
        with _LOCK:
            _AT_WORK["jobs"] -= 1
        close()
        if outermost:
            PROGRESS.info("%s: %.1f s", what, time.monotonic() - begun)


def long_job(
    what: str, form: Literal["done", "steps", "tasks"] = "done"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function with a keyword ``progress`` take whatever a user hands over.

    Parameters
    ----------
    what : str
        The job, in a word.
    form : {"done", "steps", "tasks"}
        How the function itself calls its ``progress``: with (done, all), (step, done, all) or a Progress.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> @long_job("count")
    ... def count(n, *, progress=None):
    ...     for i in range(n):
    ...         if progress is not None:
    ...             progress(i + 1, n)
    >>> count(2)
    >>> count(2, progress=print)
    1 2
    2 2
    """

    def made(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            with telling(kwargs.pop("progress", None), what) as job:
                kwargs["progress"] = getattr(job, form)
                return function(*args, **kwargs)

        return inside

    return made


def told_by(progress: Any, what: str = "") -> Tell | None:
    """What calls a job makes while it works, from whatever a user hands over as ``progress``.

    Parameters
    ----------
    progress : bool, None, callable or class of tqdm bars
        False: nobody is told; None: nobody, but in a notebook a bar after two seconds.  True: a bar of tqdm, in a notebook or
        a terminal.  A class such as ``tqdm.tqdm``: a bar of that class.  A function: called with (done, all), with
        (what, done, all) when it takes three, with a :class:`permeability.core.tasks.Progress` when it takes one.
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
    >>> told_by(lambda progress: seen.append(progress.share))(1, 2)
    >>> seen, told_by(None), told_by(False)
    ([(1, 2), 'rank', 0.5], None, None)
    """
    return Job(what, _listener(progress, _AT_WORK["jobs"] == 0)[0], None).done


def _listener(progress: Any, outermost: bool) -> tuple[Steps | None, Callable[[], None]]:
    """What is called with (step, done, all), and what ends it."""
    if progress is False or (progress is None and not (outermost and in_notebook())):
        return None, _nothing
    if progress is None:
        bars = _Bars(_bar_class(), delay=QUIET_S, leave=False)
        return bars, bars.close
    if progress is True:
        progress = _bar_class()
    if inspect.isclass(progress) and hasattr(progress, "update"):
        bars = _Bars(progress)
        return bars, bars.close
    if not callable(progress):
        raise OptionError(
            "A08",
            f"progress cannot be {progress!r}.",
            remedy="give True for a bar, tqdm, or a function of (done, all)",
        )
    return _called(progress), _nothing


def _nothing() -> None:
    """Nothing is to be ended."""


def _bar_class() -> Any:
    """The bars of a notebook where it can draw them, else those of a terminal."""
    if in_notebook() and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as notebook_bar

        return notebook_bar
    from tqdm import tqdm

    return tqdm


def _takes(function: Any) -> int:
    """How many things a function must be given; 2 where that cannot be told."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return 2
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len([p for p in places if p.default is p.empty])


def _called(progress: Callable[..., None]) -> Steps:
    """A function of one, two or three."""
    needed = _takes(progress)
    if needed == 3:
        return progress
    if needed != 1:
        return lambda what, done, total: progress(done, total)
    begun = time.monotonic()

    def whole(what: str, done: int, total: int) -> None:
        from permeability.core.tasks import Progress

        share, passed = (done / total if total else 1.0), time.monotonic() - begun
        left = passed * (1.0 - share) / share if share else None
        progress(Progress(done, total, 0, share, passed, left))

    return whole


def _logged(steps: Steps | None) -> Steps | None:
    """The same, and a line of the log for every tenth of a step."""
    if not PROGRESS.isEnabledFor(logging.DEBUG):
        return steps
    told: list[tuple[str, int]] = [("", -1)]

    def tell(what: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if (what, tenth) != told[0]:
            told[0] = (what, tenth)
            PROGRESS.debug("%s: %d of %d", what, done, total)
        if steps is not None:
            steps(what, done, total)

    return tell


class _Bars:
    """A bar of tqdm for each step, made at its first call and closed at its last."""

    def __init__(self, kind: Any, **options: Any) -> None:
        self.kind, self.options, self.what = kind, options, ""
        self.bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.bar is not None and what != self.what:
            self.close()
        if self.bar is None:
            if done >= total:
                return  # over before anything was to be seen
            self.what, self.bar = what, self.kind(total=total, desc=what or None, **self.options)
        bar = self.bar
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the bar of the present step."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
