"""A full disk, a quota or a limit of file sizes: one refusal, whichever library met it."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from permeability.core.errors import OptionError

__all__ = ["room_refused"]

# no space, no quota, a file above its limit; Windows knows no quotas
FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
WRITERS = ("rasterio", "pyogrio", "fiona", "sqlite3", "pyarrow")  # their errors name no number of the system
SAYS_FULL = ("no space left", "disk is full", "disk full", "file too large", "quota")
PROBE_MB = 8  # where less than this can be written, there is no room


@contextlib.contextmanager
def room_refused(target: str | os.PathLike[str]) -> Iterator[None]:
    """Errors of a full disk, a quota or a limit of file sizes become one refusal that says so.

    Parameters
    ----------
    target : path
        What is being written.

    Yields
    ------
    None

    Raises
    ------
    OptionError
        O12.

    Examples
    --------
    >>> with room_refused("map.tif"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O12]: there is no room to write 'map.tif'...
    """
    place = Path(target)
    try:
        yield
    except Exception as error:
        if not _says_full(error, place):
            raise
        raise OptionError(
            "O12", f"there is no room to write {place.name!r}.", details={"folder": str(place.parent), "the system says": str(error)},
            remedy="free space there, or write elsewhere (--out); --resume then goes on with what is finished",
        ) from error  # fmt: skip


def _says_full(error: BaseException, place: Path) -> bool:
    """Whether an error, or what caused it, comes from a lack of room."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(e, OSError) and e.errno in FULL for e in causes):
        return True
    if not any(type(e).__module__.split(".")[0] in WRITERS for e in causes):
        return False
    if any(word in str(e).lower() for e in causes for word in SAYS_FULL):
        return True
    return _full(place.parent)  # GDAL keeps to itself why a block could not be written


def _full(folder: Path) -> bool:
    """Whether a file of a few megabytes cannot be written there."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            for _ in range(PROBE_MB):
                probe.write(bytes(1 << 20))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in FULL
    return False
