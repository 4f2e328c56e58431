"""The first job on a machine waits for its kernels to be compiled; a second process compiles those that are needed last meanwhile.

Numba compiles under a lock, so that threads do not help.  The helper goes through a list of kernels and kinds from its end and keeps them where this
process looks for them; where both meet, nothing is left to wait for.  It is started when a job that has a list (:func:`expects`) meets
the first kernel that is not kept, ends with its list or with this process, and is never needed: without a second core, a place to keep kernels
or a Python that can be started, this process compiles as ever.  ``PERMEABILITY_COMPILE_AHEAD=0`` switches it off.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

SWITCH = "PERMEABILITY_COMPILE_AHEAD"
PLAIN = "NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING"  # thousands of errors that Numba raises and catches get no colours
HOME = "permeability.engines.kernels."

_expected: list[str] = []  # the job of this process
_helper: list[subprocess.Popen[bytes]] = []


def expects(job: str) -> None:
    """Say what this process is about to do; the first word counts, and of two jobs the larger one.

    Parameters
    ----------
    job : {"rank", "project"}

    Examples
    --------
    >>> expects("rank")
    """
    if job not in _expected:
        _expected.append(job)


def begin() -> None:
    """Start the helper, once, when a kernel of an expected job has to be compiled; silent where it cannot be."""
    if _helper or not _expected or not _may():
        return
    job = "project" if "project" in _expected else _expected[0]
    where = str(Path(__file__).resolve().parents[3])
    paths = os.pathsep.join(p for p in (where, os.environ.get("PYTHONPATH", "")) if p)
    quiet: dict[str, Any] = {"creationflags": 0x08000000} if os.name == "nt" else {}  # no window
    with contextlib.suppress(OSError, ValueError):
        process = subprocess.Popen(
            [sys.executable, "-m", "permeability.engines.kernels.ahead", job], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": paths, SWITCH: "0", PLAIN: "1"}, **quiet,
        )  # fmt: skip
        _helper.append(process)
        threading.Thread(
            target=process.wait, daemon=True
        ).start()  # a session that goes on keeps no ended process
        atexit.register(end)


def end() -> None:
    """Take the helper away."""
    for process in _helper:
        process.kill()
        with contextlib.suppress(OSError):
            process.communicate()
    _helper.clear()


def _may() -> bool:
    """Whether a second process helps, and whether what would be started is a Python."""
    import numba
    import psutil

    settings: Any = numba.config
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    python = (
        Path(sys.executable or "").name.lower().startswith("python")
    )  # not the program that Python is built into
    room = psutil.virtual_memory().available > 1e9
    alone = multiprocessing.parent_process() is None  # one of many workers has no core to spare
    return (
        os.environ.get(SWITCH) != "0" and cores > 1 and python and room and alone and not settings.DISABLE_JIT
    )


def kinds(job: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Kernels of a job with the types that they are called with, in the order in which they are needed.

    Parameters
    ----------
    job : {"rank", "project"}

    Returns
    -------
    list of (str, tuple)
        ``module.function`` and its types.

    Examples
    --------
    >>> kinds("rank")[0][0]
    'cuts._scan'
    """
    found: list[tuple[str, tuple[Any, ...]]] = import_module(f"{HOME}job_kinds").JOBS[
        job
    ]()  # by name, as kernels: they stand on this room
    return found


def work(job: str) -> None:
    """Compile the kernels of a job from the last to the first; what is kept already is only read.

    Parameters
    ----------
    job : {"rank", "project"}
    """
    for name, types in reversed(kinds(job)):
        module, _, function = name.partition(".")
        with contextlib.suppress(Exception):  # a list that is out of date helps less, and hurts nobody
            getattr(import_module(HOME + module), function).compile(types)


def _until_the_other_ends() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_until_the_other_ends, daemon=True).start()
    gc.disable()  # for good: a process that only compiles, and ends (half a gigabyte)
    work(sys.argv[1])
