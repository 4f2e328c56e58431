"""Layers of other makers as they are: other column names, other words, no coordinate system, other letters."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
from pydantic import AfterValidator

from permeability.barriers.database import import_layer, mappings
from permeability.core.cells import is_empty
from permeability.core.errors import Finding, LayerError, nearest
from permeability.core.texts import N_, Said, Worded
from permeability.layers import vectors
from permeability.layers.reprojection import reproject
from permeability.project.scenario_spec import FileName, Table

GARBLED = 0.3  # from this share of letters that only western Europe uses on, names have been read in the wrong alphabet


def _encoding(name: str) -> str:
    """A name of letters that Python knows."""
    try:
        codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"no encoding of letters is called {name!r}; UTF-8 and CP1251 are") from error
    return name


def _cell(value: Any) -> Any:
    """What can stand in one cell of a table."""
    if isinstance(value, (list, dict)):
        raise ValueError("one value is meant: a text, a number, a date, true or false")
    return value


Encoding = Annotated[str, AfterValidator(_encoding)]
Cell = Annotated[Any, AfterValidator(_cell)]


class OwnColumns(Table):
    """The part of ``[layers.NAME]`` that says how the columns of a layer are to be understood."""

    columns: dict[str, str] = {}
    values: dict[str, dict[str, Cell]] = {}
    set: dict[str, Cell] = {}
    number_ids: str | None = None
    crs: str | None = None
    encoding: Encoding | None = None
    mapping: FileName | None = None
    assume: bool = False


def read_own_layer(
    path: Path, table: str | None, where: Mapping[str, Any], own: OwnColumns, *, layer: str, crs: Any = None
) -> gpd.GeoDataFrame:
    """A vector layer with its columns renamed, its words translated and what it lacks filled in.

    Parameters
    ----------
    path : path
    table : str or None
        Table in the file.
    where : mapping
        Rows to take, by the layer's own columns and words.
    own : OwnColumns
        ``columns``: column of the layer -> column of the schema; ``values``: column of the schema -> (word of the
        layer -> word of the schema); ``set``: column -> value where the layer has none; ``number_ids``: ids are this
        and the number of the row from 1; ``crs``: coordinate system of a layer that comes without one; ``encoding``:
        of the texts of a shapefile without ``.cpg``; ``mapping``: a mapping of the barrier database (such as
        ``"openstreetmap"``, or a TOML file beside the layer) that the layer goes through first; ``assume``: with the
        values that the mapping marks as assumptions.
    layer : str
        Name used in messages.
    crs : optional
        Target coordinate system.

    Raises
    ------
    LayerError
        L04 for a column that is not there, L14 for a layer that has another coordinate system than stated, and what
        :func:`permeability.layers.vectors.read_vector` raises.
    """
    if own.mapping is not None and table is None and path.name.lower().endswith((".osm", ".osm.pbf", ".pbf")):
        table = "lines"
    frame = vectors.read_vector(
        path, table, layer=layer, where=where, assume_crs=own.crs, encoding=own.encoding, columns=own.columns
    )
    if own.mapping is not None:
        frame = _imported(frame, own, path, layer)
    absent = [c for c, new in own.columns.items() if c not in frame.columns and new not in ("x", "y", "wkt")]
    if absent:
        guess = nearest(absent[0], frame.columns)
        raise LayerError(
            "L04", f"the layer has no column {absent[0]!r} to rename.", layer=layer,
            details={"columns": ", ".join(map(str, frame.columns))},
            remedy=f"did you mean {guess!r}?" if guess else "name one of these columns",
        )  # fmt: skip
    taken = [c for c in own.columns.values() if c in frame.columns and c not in own.columns]
    frame = frame.drop(columns=taken).rename(columns=dict(own.columns))
    for column, words in own.values.items():
        if column not in frame.columns:
            raise LayerError(
                "L04", f"values are given for {column!r}, which the layer does not have.", layer=layer,
                remedy="rename a column to it under columns, or use set for one value in all rows",
            )  # fmt: skip
        frame[column] = [words.get(str(v).strip(), v) for v in frame[column]]
    for column, value in own.set.items():
        empty = (
            np.array([is_empty(v) for v in frame[column]])
            if column in frame.columns
            else np.ones(len(frame), bool)
        )
        frame[column] = np.where(empty, value, frame[column]) if column in frame.columns else value
        if not empty.all():
            facts = {"column": column, "n": int(empty.sum()), "all": len(frame), "had": int((~empty).sum())}
            said = Worded(Said(N_("set {column}: {n} of {all} rows, {had} had a value"), facts))
            frame.attrs["account"] = [*frame.attrs.get("account", []), said]
    if own.number_ids is not None:
        frame["id"] = [f"{own.number_ids}{i}" for i in range(1, len(frame) + 1)]
    return reproject(frame, crs) if crs is not None else frame


def _imported(frame: gpd.GeoDataFrame, own: OwnColumns, path: Path, layer: str) -> gpd.GeoDataFrame:
    """The barriers that a mapping makes of a layer; what it leaves out is kept as text with the layer."""
    mapping = str(own.mapping)
    result = import_layer(
        frame, mapping if mapping in mappings() else path.parent / mapping, assume=own.assume
    )
    barriers = result.layers["barriers"]
    if not len(barriers):
        raise LayerError(
            "L23", f"the mapping {mapping!r} makes no barrier of the {len(frame)} features.", layer=layer, rows=["none"],
            details={"left out": result.text()}, remedy="check the table and the filter, or the rules of the mapping",
        )  # fmt: skip
    barriers = barriers.dropna(axis=1, how="all")
    facts = {"n": len(barriers), "all": len(frame), "mapping": mapping, "left": len(result.unmapped)}
    said = Worded(
        Said(N_("barriers: {n} of {all} features by the mapping {mapping}, left out: {left}"), facts)
    )
    barriers.attrs["account"] = [
        said,
        *(f"{n:,} {title}" for title, table in result.lists.items() for n in [len(table)] if n),
    ]
    barriers.attrs["import"] = result.text()
    return barriers


def garbled(path: Path, frame: gpd.GeoDataFrame, own: OwnColumns, layer: str) -> Finding | None:
    """A warning when the names of a shapefile without ``.cpg`` look as if read in the wrong alphabet.

    >>> import shapely
    >>> frame = gpd.GeoDataFrame({"name": ["Æåëåçíàÿ äîðîãà"]}, geometry=[shapely.Point(0, 0)])
    >>> garbled(Path("a.shp"), frame, OwnColumns(), "a").code
    'L16'
    """
    if path.suffix.lower() != ".shp" or own.encoding is not None or path.with_suffix(".cpg").is_file():
        return None
    texts = (v for c in frame.columns.drop(frame.geometry.name) for v in frame[c] if isinstance(v, str))
    for text in texts:
        letters = [x for x in text if x.isalpha()]
        if letters and sum("À" <= x <= "ÿ" for x in letters) > GARBLED * len(letters):
            return Finding(
                "L16", f"the names of {path.name} look garbled ({text[:30]!r}): it has no .cpg file to say its alphabet",
                f'say encoding = "cp1251" (or "UTF-8") in [layers.{layer}]', layer, severity="warning",
            )  # fmt: skip
    return None
