"""Compiled loops: arrays in, arrays out; each kernel is kept on disk where there is a place for it.

Where neither the package nor the user's cache folder can be written (a container run by another user, a shared installation
without a home), kernels are kept in a private folder for the length of the process, and without even that in memory; the log
of ``permeability`` says so (the command line writes it to standard error), and `permeability doctor` tells the place.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
from typing import Any

import numba

SAID = (
    "there is no writable place to keep compiled kernels; they are compiled anew in this run. "
    "Set NUMBA_CACHE_DIR to a folder of your own to keep them."
)


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
    logging.getLogger("permeability").info(SAID)
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


if not _can_keep():
    _without_a_place()
