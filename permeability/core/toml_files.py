"""TOML files that a user wrote: rules, standards, mappings, profiles.  What cannot be read is a refusal, never a traceback."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from permeability.core.errors import OptionError, PermeabilityError

__all__ = ["read_toml", "shaped"]


def read_toml(path: Path | Traversable) -> dict[str, Any]:
    """The table of a TOML file.

    Parameters
    ----------
    path : Path or Traversable

    Returns
    -------
    dict

    Raises
    ------
    OptionError
        O62 for a file that is not UTF-8, not TOML, or nested beyond reading.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.toml"
    ...     _ = file.write_text("a = [1, 2]")
    ...     read_toml(file)
    {'a': [1, 2]}
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        said = "it is nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        raise OptionError(
            "O62", f"{path.name} is no TOML file in UTF-8: {said}", layer=path.name, remedy="mend the line that is named, and save it as UTF-8",
        ) from exc  # fmt: skip


@contextlib.contextmanager
def shaped(name: str, what: str) -> Iterator[None]:
    """Turn what a table of the wrong shape leads to (a word where a table belongs, a list where a number) into a refusal.

    Parameters
    ----------
    name : str
        File or table that is read.
    what : str
        What it should be.

    Raises
    ------
    OptionError
        O63.

    Examples
    --------
    >>> with shaped("mine.toml", "a mapping"):
    ...     {}["columns"]
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O63]: mine.toml has not the shape of a mapping ('columns').
    ...
    """
    try:
        yield
    except PermeabilityError:
        raise
    except (TypeError, AttributeError, KeyError, ValueError, IndexError, RecursionError) as exc:
        raise OptionError(
            "O63", f"{name} has not the shape of {what} ({exc}).", layer=name, remedy="compare it with a shipped file, table by table",
        ) from exc  # fmt: skip
