"""Views of a GeoPackage: a table that is a question, and may take for ever to answer."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from permeability.core.errors import LayerError

__all__ = ["require_quick"]

MOST_S = 10.0  # of asking a view for all its rows once
ENDINGS = (".gpkg", ".sqlite", ".db")
STEPS = 20_000  # of the database between two looks at the clock


def require_quick(path: Path, layer: str) -> None:
    """Refuse a file with views that do not answer in ten seconds together: GDAL asks each when it lists the tables.

    Tables, views that no register of layers names, and views with functions that only GDAL has, pass.

    Parameters
    ----------
    path : Path
        A GeoPackage or another SQLite file.
    layer : str
        Used in messages.

    Raises
    ------
    LayerError
        L40.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.gpkg"
    ...     with contextlib.closing(sqlite3.connect(file)) as made:
    ...         _ = made.execute("CREATE VIEW quick AS SELECT 1 AS id")
    ...     require_quick(file, "fences")
    """
    if path.suffix.lower() not in ENDINGS or not path.is_file():
        return
    until, name = time.monotonic() + MOST_S, ""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
            views = base.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
            for (name,) in views:
                _ask(base, str(name))
    except (sqlite3.Error, UnicodeDecodeError) as error:  # names of a damaged file may be no letters
        if "interrupted" not in str(error):
            return  # a damaged file: the reader says so
        raise LayerError(
            "L40", f"the view {name!r} in {path.name} does not answer within {MOST_S:g} s.", layer=layer, rows=["all"],
            remedy="save what it shows as a table (ogr2ogr, or Export in QGIS), and take the view out",
        ) from error  # fmt: skip


def _ask(base: sqlite3.Connection, view: str) -> None:
    """All rows of a view, once; a function that only GDAL knows ends it without a word."""
    quoted = view.replace('"', '""')
    try:
        for _ in base.execute(f'SELECT * FROM "{quoted}"'):
            pass
    except (sqlite3.OperationalError, UnicodeDecodeError) as error:
        if "interrupted" in str(error):
            raise
