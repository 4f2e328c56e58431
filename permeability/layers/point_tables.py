"""Tables of points as they come: CSV, or any vector file or GeoParquet, in the words and coordinates of the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from permeability.layers.vectors import _frame
from permeability.layers.whole_files import _unreadable, require_file

__all__ = ["read_point_table"]


def read_point_table(path: str | os.PathLike[str], table: str | None = None) -> Any:
    """A table as it stands in a file; every column of a CSV whose name speaks of an id stays text.

    Parameters
    ----------
    path : path
        ``.csv``, ``.csv.gz``, ``.parquet``, or anything OGR reads.
    table : str, optional
        Table in the file.

    Returns
    -------
    DataFrame or GeoDataFrame

    Raises
    ------
    LayerError
        L01 no file, L04 no such table, L11 not readable.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "t.csv"
    ...     _ = path.write_text("animal_id,x\\n007,1.5\\n")
    ...     read_point_table(path)["animal_id"].tolist()
    ['007']
    """
    path = Path(path)
    require_file(path, layer=path.name)
    if path.suffix.lower() in (".csv", ".gz", ".txt"):
        return _csv(path)
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    return _frame(path, table, path.name)


def _csv(path: Path) -> pd.DataFrame:
    try:
        head = pd.read_csv(path, nrows=0)
        texts = {c: str for c in head.columns if _is_name(str(c))}
        return pd.read_csv(path, dtype=texts, low_memory=False)
    except (ValueError, OSError) as why:  # a broken table and a broken encoding are ValueErrors
        raise _unreadable(path, path.name, why) from why


def _is_name(column: str) -> bool:
    words = column.lower().replace("-", "_").replace(":", "_").split("_")
    return "id" in words or "identifier" in words or "animal" in words


def _parquet(path: Path) -> Any:
    import geopandas as gpd

    try:
        return gpd.read_parquet(path)
    except ValueError:  # a table without geometry
        return pd.read_parquet(path)
    except OSError as why:
        raise _unreadable(path, path.name, why) from why
