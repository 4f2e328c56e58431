"""Compiled loops: arrays in, arrays out; each kernel is kept on disk where there is a place for it.

Where neither the package nor the user's cache folder can be written (a container run by another user, a shared installation
without a home), kernels are kept in a private folder for the length of the process, and without even that in memory; the log
of ``permeability`` says so (the command line writes it to standard error), and `permeability doctor` tells the place.
"""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import tempfile
import time
from typing import Any

import numba
from numba.core.caching import FunctionCache
from numba.core.event import Listener, register
from numba.core.registry import CPUDispatcher

from permeability.core.journal import say
from permeability.engines.kernels import ahead

SAID = (
    "there is no writable place to keep compiled kernels; they are compiled anew in this run. "
    "Set NUMBA_CACHE_DIR to a folder of your own to keep them."
)
OWN = "permeability."
COMPILING = "compiling for this machine; it takes up to half a minute and is kept for the next time."
UNASKED_S = 1.0  # of compiling before anything is said
OPTIMISED = 2  # LLVM's level for kernels of this package: a quarter less to wait for than with 3, and they run as fast


def _stamp(folder: str) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file of kernels; nothing where there is no folder (in a zip archive)."""
    try:
        files = sorted(e.path for e in os.scandir(folder) if e.name.endswith(".py"))
        return tuple((os.path.basename(f), os.stat(f).st_mtime_ns, os.stat(f).st_size) for f in files)
    except OSError:
        return ()


STAMP = _stamp(os.path.dirname(__file__))
"""Kernels hold copies of those of other files that they call, which Numba does not look at: one that is kept is good for this very set of files."""


class _Kept(FunctionCache):
    """Numba's cache, but what comes out is what was asked for.

    Numba keeps each kind of a kernel in a file with a number, and an index; two processes that keep two kinds at the same moment may take one number.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super().load_overload(sig, target_context)
        asked = tuple(getattr(sig, "args", sig))
        return found if found is None or tuple(found.signature.args) == asked else None


def njit(function: Any = None, **options: Any) -> Any:
    """Numba's ``njit`` for kernels: no wrapper for C, to which none is handed, and a cache that is looked at twice and is good for these very files.

    Parameters
    ----------
    function : function, optional
    **options
        Those of :func:`numba.njit`.

    Returns
    -------
    kernel, or decorator if there is no function

    Examples
    --------
    >>> njit(lambda x: 0.5 * x)(3.0)
    1.5
    """
    if function is None:
        return functools.partial(njit, **options)
    make: Any = numba.njit
    kernel: Any = make(function, no_cfunc_wrapper=True, **options)
    if isinstance(getattr(kernel, "_cache", None), FunctionCache):
        kernel._cache.__class__ = _Kept
        kept: Any = getattr(kernel._cache, "_cache_file", None)
        if hasattr(kept, "_source_stamp"):  # what a later Numba may call otherwise
            kept._source_stamp = (kept._source_stamp, STAMP)
    return kernel


class _Inner(CPUDispatcher):
    def __call__(self, *arguments: Any) -> Any:
        return self.py_func(*arguments)


def inner(function: Any = None, **options: Any) -> Any:
    """Of a kernel that only kernels call, without the wrapper through which Python would call it; from Python it runs as Python.

    Parameters
    ----------
    function : function, optional
    **options
        Those of :func:`numba.njit`.

    Returns
    -------
    kernel, or decorator if there is no function

    Examples
    --------
    >>> half = inner(lambda x: 0.5 * x)
    >>> njit(lambda x: half(x) + half(x))(3.0), half(3.0)
    (3.0, 1.5)
    """
    if function is None:
        return functools.partial(inner, **options)
    kernel = njit(function, no_cpython_wrapper=True, **options)
    if isinstance(kernel, CPUDispatcher):  # not where compiling is switched off
        kernel.__class__ = _Inner  # what is not there would be called
    return kernel


def _probe() -> None:
    """Never called: shows whether its neighbours can be kept."""


def _can_keep() -> bool:
    try:
        numba.njit(cache=True)(_probe)
    except (RuntimeError, OSError):  # no locator; a folder that says it can be written and then cannot
        return False
    return True


def _without_a_place() -> None:
    """Keep kernels for this process only."""
    say(SAID)
    settings: Any = numba.config
    try:
        folder = tempfile.mkdtemp(
            prefix="permeability-kernels-"
        )  # of this user alone: what lies there is run
    except OSError:
        folder = ""
    if folder:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        settings.CACHE_DIR = folder
    if not folder or not _can_keep():
        from numba.core import dispatcher

        setattr(dispatcher.Dispatcher, "enable_caching", lambda self: None)  # noqa: B010


class _Compiling(Listener):
    """Says once that kernels are being compiled for this machine, when that takes longer than anybody waits unasked.

    Kernels of this package, and what they call, are compiled at a level of their own; what a user compiles keeps the user's,
    and so does everything where ``NUMBA_OPT`` is set.  Numba compiles under a lock, so that the level is set for one at a time.
    Python's search for cycles among objects waits meanwhile: thousands of times it would walk through all that the compiler holds, for a sixth of the seconds.
    """

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.spent, self.told = 0.0, False
        self.level: Any = None  # the user's, while a kernel of this package is compiled
        self.collects = False  # whether cycles are looked for again afterwards

    def on_start(self, event: Any) -> None:
        if not self.begun and "NUMBA_OPT" not in os.environ and _is_ours(event):
            settings: Any = numba.config
            self.level, settings.OPT = settings.OPT, type(settings.OPT)(OPTIMISED)
        if not self.begun and _is_ours(event):
            self.collects = gc.isenabled()
            gc.disable()
            if KEPT:
                ahead.begin()
        self.begun.append(time.monotonic())
        self._tell()

    def on_end(self, event: Any) -> None:
        begun = self.begun.pop() if self.begun else time.monotonic()
        if not self.begun:  # kernels are compiled within the compiling of others
            self.spent += time.monotonic() - begun
            if self.level is not None:
                settings: Any = numba.config
                settings.OPT, self.level = self.level, None
            if self.collects:
                self.collects = False
                gc.enable()
        self._tell()

    def _tell(self) -> None:
        if self.spent > UNASKED_S and not self.told:
            self.told = True
            say(COMPILING)


def _is_ours(event: Any) -> bool:
    """Whether what is compiled is a kernel of this package."""
    data = getattr(event, "data", None) or {}
    return str(getattr(getattr(data.get("dispatcher"), "py_func", None), "__module__", "")).startswith(OWN)


KEPT = _can_keep()
if not KEPT:
    _without_a_place()
register("numba:compile", _Compiling())
