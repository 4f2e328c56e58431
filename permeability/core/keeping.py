"""Results that are kept from one run to the next, under a hash of all that they hang on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from permeability.core.tasks import Store, content_hash

__all__ = ["KEEP_NOTHING", "Keep", "drop_unused", "kept", "now_ns"]

Result = TypeVar("Result")


def kept(store: str | os.PathLike[str] | None, key: str, make: Callable[[], Result]) -> Result:
    """What is found under a key of a store, or made and kept there; without a store it is made.

    Parameters
    ----------
    store : path or None
    key : str
        :func:`content_hash` of all that the result hangs on.
    make : callable
        Gives plain values, arrays, tuples, lists and mappings of them.

    Returns
    -------
    object

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept(folder, "a", lambda: 42), kept(folder, "a", lambda: 43), kept(None, "a", lambda: 43)
    (42, 42, 43)
    """
    if store is None:
        return make()
    folder = Store(store)
    found, result = folder.load(key)
    if not found:
        result = make()
        folder.save(key, result)
    return cast(Result, result)


@dataclass(frozen=True)
class Keep:
    """:func:`kept` for all that hangs on the same inputs.

    Attributes
    ----------
    store : path or None
    same : str
        :func:`content_hash` of the inputs.

    Examples
    --------
    >>> Keep()("the answer", lambda: 42)
    42
    """

    store: str | os.PathLike[str] | None = None
    same: str = ""

    def __call__(self, what: str, make: Callable[[], Result]) -> Result:
        return kept(self.store, content_hash(what, self.same), make)

    def again(self, what: str, result: object) -> None:
        """Keep a result in the place of what was kept before."""
        if self.store is not None:
            Store(self.store).save(content_hash(what, self.same), result)


KEEP_NOTHING = Keep()


def now_ns(store: Path) -> int:
    """The time as the file system of a store tells it.

    Parameters
    ----------
    store : path
        Made when it is not there.

    Returns
    -------
    int
        [ns]

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     now_ns(Path(folder)) <= now_ns(Path(folder))
    True
    """
    mark = Store(store).folder / "begun"
    mark.write_bytes(b"")
    return mark.stat().st_mtime_ns


def drop_unused(store: Path, since_ns: int) -> None:
    """Take away what has been neither written nor read since a time.

    Parameters
    ----------
    store : path
    since_ns : int
        Of :func:`now_ns` [ns].

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Store(folder).save("old", 1)
    ...     drop_unused(Path(folder), 2 * now_ns(Path(folder)))
    ...     list(Path(folder).iterdir())
    []
    """
    for path in store.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime_ns < since_ns:
                path.unlink()
