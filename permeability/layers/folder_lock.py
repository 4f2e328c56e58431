"""One writer at a time for an output folder: a lock that a killed process leaves to the next."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from permeability.core.errors import OptionError

__all__ = ["folder_lock"]


@contextlib.contextmanager
def folder_lock(target: Path) -> Iterator[None]:
    """Hold the place of an output folder until the block ends; the system gives it free when the process dies.

    The lock is a file beside the folder, ``.NAME-lock``, with the process that holds it.

    Parameters
    ----------
    target : Path
        Output folder, there or not.

    Yields
    ------
    None

    Raises
    ------
    OptionError
        O08 when another run, of this or another process, is writing there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with folder_lock(Path(folder) / "out"):
    ...         with folder_lock(Path(folder) / "out"):
    ...             pass
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O08]: another run is writing into 'out'...
    """
    target = Path(os.path.abspath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}-lock")
    handle = _taken(path, target)
    try:
        os.truncate(handle, 0)
        os.write(handle, f"process {os.getpid()}\n".encode())
        yield
    finally:
        if sys.platform != "win32":
            path.unlink(missing_ok=True)  # while it is held, so that nobody else's lock is removed
        os.close(handle)
        if sys.platform == "win32":
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _taken(path: Path, target: Path) -> int:
    """A locked file; tried again when the file was removed between opening and locking."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
            there = os.stat(path)
        except FileNotFoundError:  # its holder has just ended
            os.close(handle)
            continue
        except OSError as taken:
            who = os.read(handle, 100).decode("ascii", "replace").strip() if sys.platform != "win32" else ""
            os.close(handle)
            raise OptionError(
                "O08", f"another run is writing into {target.name!r}.", details={"held by": who} if who else {},
                remedy="wait until it has ended, or name another folder (--out)",
            ) from taken  # fmt: skip
        mine = os.fstat(handle)
        if (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev):
            return handle
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
