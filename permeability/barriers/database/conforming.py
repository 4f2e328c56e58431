"""One reader of layers: whatever a file calls its columns and however it writes its cells, in the words of the schema.

Every layer with columns of its own (barriers, structures, posts, drawn sites, patches) passes here once, in a project
as in a notebook.  A cell that is not understood is a finding with its row, column and value; nothing is dropped, and
nothing becomes a default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.barriers.database.schema import Column, columns
from permeability.core.cells import is_empty, read_numbers, read_series, read_text, read_word, read_year
from permeability.core.errors import Finding, LayerError, OptionError, nearest
from permeability.species.seasons import parse_hours

NEVER = 9999  # the year that data bases write for "never"
LISTS = {
    "wire_heights_m": 'write "0.46 0.65 0.85 1.02"',
    "hour_profile": "give 24 numbers from 00-01 on, parted by blanks",
}
FORMS = {"hours": 'write hours as "20-6"', "date": "write the day as 2026-11-22"}
CUT = 10  # letters that a shapefile leaves of a column name


@dataclass(frozen=True)
class Reading:
    """A layer as it was understood.

    Attributes
    ----------
    table : GeoDataFrame
        Columns of the schema that the layer has, typed: float64 (NaN = empty), text or None; further columns as they
        came; geometry in a column ``geometry``.
    findings : tuple of Finding
        K03 not a number, K05 outside its range, K06 not in the vocabulary, K07 not readable, K18 a column name that
        was completed, K19 a name that may stand for several columns, K23 several geometry columns.
    unread : tuple of str
        Columns that the schema does not know.

    Examples
    --------
    >>> import shapely
    >>> bare = gpd.GeoDataFrame({"ID": [5], "Kind": ["Fence"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    >>> read = read_layer(bare)
    >>> read.table[["id", "kind"]].iloc[0].tolist(), [f.code for f in read.findings]
    (['5', 'fence'], [])
    """

    table: gpd.GeoDataFrame
    findings: tuple[Finding, ...]
    unread: tuple[str, ...]


def read_layer(layer: gpd.GeoDataFrame, name: str = "barriers", *, label: str | None = None) -> Reading:
    """A layer in the columns and words of its schema, and everything in it that was not understood.

    Parameters
    ----------
    layer : GeoDataFrame
        The layer as it came.
    name : {"barriers", "structures", "posts", "sites", "patches"}
        Which schema.
    label : str, optional
        What to call the layer in the findings.

    Returns
    -------
    Reading

    Examples
    --------
    >>> import shapely
    >>> road = gpd.GeoDataFrame({"id": ["a"], "kind": ["road"], "vehicles_per_day": ["1 200,5"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    >>> read_layer(road).table["vehicles_per_day"].tolist()
    [1200.5]
    """
    label = label or name
    known = columns(name)
    table, findings = _geometry(layer, label)
    table, renamed = _names(table, known, label)
    findings += renamed
    rows = _row_names(table)
    for column in known:
        if column.name in table.columns:
            values, found = _column(table[column.name], column, rows, label)
            table[column.name] = values
            findings += found
    names = {c.name for c in known} | {"geometry"}
    return Reading(table, tuple(findings), tuple(str(c) for c in table.columns if c not in names))


def conform(layer: gpd.GeoDataFrame, name: str = "barriers") -> gpd.GeoDataFrame:
    """The layer with every column of the schema, in order and typed; further columns follow.

    Parameters
    ----------
    layer : GeoDataFrame
        The layer as it came.
    name : str
        Which schema, see :func:`read_layer`.

    Returns
    -------
    GeoDataFrame
        Numbers as float64 (NaN = missing), text as str or None.

    Raises
    ------
    LayerError
        The first of what could not be understood: K03, K05 to K07, K19.

    Examples
    --------
    >>> import shapely
    >>> bare = gpd.GeoDataFrame({"id": ["a"], "kind": ["fence"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    >>> "fence_class" in conform(bare).columns
    True
    """
    read = read_layer(layer, name)
    require_read(read.findings)
    out = {}
    for column in columns(name):
        if column.name in read.table:
            out[column.name] = read.table[column.name]
        else:
            empty: Any = [None] * len(layer) if column.type == "string" else [math.nan] * len(layer)
            kind: Any = object if column.type == "string" else np.float64
            out[column.name] = pd.Series(empty, index=read.table.index, dtype=kind)
    frame = pd.DataFrame(out | {c: read.table[c] for c in read.unread}, index=read.table.index)
    return gpd.GeoDataFrame(frame, geometry=read.table.geometry.to_numpy(), crs=layer.crs)


def require_read(findings: Iterable[Finding]) -> None:
    """Raise the first error among findings as a :class:`LayerError`."""
    for f in findings:
        if f.severity == "error":
            raise refusal(f)


def refusal(finding: Finding) -> LayerError:
    """A finding as the error that a call raises."""
    return LayerError(
        finding.code, finding.what, remedy=finding.remedy, layer=finding.layer, rows=finding.rows, details=finding.details
    )  # fmt: skip


# ---------------------------------------------------------------- geometry and names
def _geometry(layer: gpd.GeoDataFrame, label: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """The layer with its active geometry in a column ``geometry``; further geometry columns are said."""
    table, findings = layer.copy(), []
    active = table.geometry.name
    others = [
        str(c) for c in table.columns if c != active and isinstance(table[c].dtype, gpd.array.GeometryDtype)
    ]
    if others:
        what = (
            f"the layer has several geometry columns: {active!r} is used, {', '.join(map(repr, others))} not."
        )
        remedy = "make the other one the active geometry, or take it out, if it is the one that is meant"
        findings.append(Finding("K23", what, remedy, label, (f"all {len(table)}",), severity="warning"))
    if active != "geometry":
        if "geometry" in table.columns:
            table = table.rename(columns={"geometry": "geometry (not used)"})
        table = table.rename_geometry("geometry")
    rings = table.geometry.geom_type == "LinearRing"
    if rings.any():
        table.loc[rings, "geometry"] = [shapely.LineString(g) for g in table.geometry[rings]]
    return table, findings


def _names(
    table: gpd.GeoDataFrame, known: Sequence[Column], label: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Columns under the names of the schema: letter case, names cut at ten letters; near misses are said."""
    names = [c.name for c in known]
    findings: list[Finding] = []
    new: dict[str, str] = {}
    free = [n for n in names if n not in table.columns]
    for column in [str(c) for c in table.columns if c not in names and c != "geometry"]:
        plain = re.sub(r"[\s-]+", "_", column.strip()).casefold()
        if plain in free and plain not in new.values():
            new[column] = plain
            continue
        full, guess = _uncut(plain, known, free, table[column]), _meant(plain, free)
        if len(full) == 1 and full[0] not in new.values():
            new[column] = full[0]
            what = f"column {column!r} is read as {full[0]!r}: shapefiles cut names at ten letters."
            findings.append(Finding("K18", what, f"rename it if it means something else: columns = {{ {column} = \"...\" }}",
                                    label, (f"all {len(table)}",), {"column": column}, "note"))  # fmt: skip
        elif full:
            what = f"column {column!r} may stand for {' or '.join(map(repr, full))}: shapefiles cut names at ten letters."
            findings.append(Finding("K19", what, f"say which: columns = {{ {column} = \"{full[0]}\" }}", label,
                                    (f"all {len(table)}",), {"column": column}))  # fmt: skip
        elif guess:
            findings.append(Finding("K14", f"column {column!r} is not in the schema; it is kept and not used.", f"did you mean {guess!r}?",
                                    label, (f"all {len(table)}",), {"column": column, "value": "(column)"}, "warning"))  # fmt: skip
    return table.rename(columns=new), findings


def _uncut(name: str, known: Sequence[Column], free: Sequence[str], values: pd.Series) -> list[str]:
    """Schema columns that a shapefile would have cut to a name: ten letters, or eight and a number.

    Of several the cells decide: numbers stand for a column of numbers, words for one of words.
    """
    long = [c for c in known if c.name in free and len(c.name) > CUT]
    whole = [c for c in long if name == c.name[:CUT]]
    numbered = re.fullmatch(r"(.{6,8})_\d{1,2}", name)
    if not whole and numbered:
        whole = [c for c in long if c.name[:CUT].startswith(numbered[1])]
    if len(whole) > 1:
        clear = [not why for why in read_numbers([v for v in values if not is_empty(v)])[1]]
        if clear and (all(clear) or not any(clear)):
            whole = [c for c in whole if (c.type != "string") == all(clear)]
    return [c.name for c in whole]


def _meant(word: str, free: Sequence[str]) -> str | None:
    """The column that a name is a slip of, or says without its unit (``cost`` for ``cost_usd``); not what is merely like it."""
    import difflib

    guess = nearest(word, free)
    if len(word) <= 3:
        return None
    if guess and difflib.SequenceMatcher(None, word, guess).ratio() >= 0.85:
        return guess
    return min((n for n in free if n.startswith(f"{word}_")), key=len, default=None)


def _row_names(table: gpd.GeoDataFrame) -> list[str]:
    ids = table["id"] if "id" in table.columns else [None] * len(table)
    return [f"{i} ({read_text(v)})" if not is_empty(v) else str(i) for i, v in enumerate(ids, start=1)]


# ---------------------------------------------------------------- cells
def _column(
    values: pd.Series, column: Column, rows: Sequence[str], label: str
) -> tuple[pd.Series, list[Finding]]:
    """One column in the type and words of the schema, and one finding for every different cell that is not."""
    raw = list(values)
    kind: Any = object
    read: list[tuple[Any, str]]
    if column.unit == "year":
        read = [read_year(v) for v in raw]
        if column.name == "closed":
            read = [(math.nan, w) if n == NEVER else (n, w) for n, w in read]
        code, kind, remedy = "K03", np.float64, "give the year as 1998 or a date as 1998-05-01"
    elif column.type != "string":
        unit = "%" if column.minimum == 0 and column.maximum == 1 else column.unit
        read = list(zip(*read_numbers(raw, unit)))
        code, kind, remedy = (
            "K03",
            np.float64,
            "give a plain number" + (f" in {column.unit}" if column.unit else ""),
        )
    elif column.values:
        read = [read_word(v, column.values) for v in raw]
        code, remedy = "K06", ""
    elif column.name in LISTS:
        read = [_list(v, column.name) for v in raw]
        code, remedy = "K07", LISTS[column.name]
    elif column.form:
        read = [_formed(v, column.form) for v in raw]
        code, remedy = "K07", FORMS[column.form]
    else:
        read = [(read_text(v), "") for v in raw]
        code, remedy = "K03", ""
    made = pd.Series([v for v, _ in read], index=values.index, dtype=kind)
    faults = [(i, why, code) for i, (_, why) in enumerate(read) if why]
    faults += [
        (i, why, c) for i, (v, why0) in enumerate(read) if not why0 for why, c in [_range(v, column)] if why
    ]
    return made, _grouped(faults, raw, column, rows, label, remedy)


def _range(value: Any, column: Column) -> tuple[str, str]:
    """Why a number is not in the range of its column, and the code of the fault."""
    if column.type == "string" or value is None or math.isnan(value):
        return "", ""
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    if not low <= value <= high:
        return f"outside {low:g} to {high:g}{f' {column.unit}' if column.unit else ''}", "K05"
    return ("not a whole number", "K04") if column.type == "integer" and value % 1 else ("", "")


def _list(value: Any, name: str) -> tuple[str | None, str]:
    """A list of numbers as text with decimal points and blanks."""
    listed = not isinstance(value, str) and hasattr(value, "__len__")
    if (listed and not len(value)) or (not listed and is_empty(value)):
        return None, ""
    numbers, why = read_series(value, "m" if name == "wire_heights_m" else "")
    if name == "hour_profile":
        why = why or ("" if len(numbers) == 24 else "not 24 numbers")
        return (None, why) if why else (" ".join(f"{n!r}" for n in numbers), "")
    rising = (
        bool(numbers) and all(a < b for a, b in pairwise(numbers)) and numbers[0] >= 0 and numbers[-1] <= 5
    )
    return (
        (" ".join(f"{n:g}" for n in numbers), "")
        if rising and not why
        else (None, "not rising heights in metres")
    )


def _formed(value: Any, form: str) -> tuple[str | None, str]:
    """Hours and days as text that every reader understands."""
    if is_empty(value):
        return None, ""
    if form == "hours":
        return (read_text(value), "") if _readable(parse_hours, value) else (None, "cannot be read")
    text = read_text(str(value)) or ""
    day = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?", text)
    other = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    iso = day[1] if day else f"{other[3]}-{int(other[2]):02d}-{int(other[1]):02d}" if other else ""
    try:
        pd.Timestamp(iso or "?")
    except ValueError:
        return None, "cannot be read"
    return iso, ""


def _readable(reader: Callable[[Any], Any], value: Any) -> bool:
    try:
        reader(value)
    except (OptionError, ValueError, TypeError):
        return False
    return True


def _grouped(
    faults: Sequence[tuple[int, str, str]], raw: Sequence[Any], column: Column, rows: Sequence[str], label: str, remedy: str
) -> list[Finding]:  # fmt: skip
    """One finding for every different cell that was not understood."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, why, code in faults:
        groups.setdefault((code, why, repr(raw[i])), []).append(i)
    return [
        _finding(code, why, raw[at[0]], column, tuple(rows[i] for i in at), label, remedy)
        for (code, why, _), at in groups.items()
    ]


def _finding(
    code: str, why: str, value: Any, column: Column, rows: tuple[str, ...], label: str, remedy: str
) -> Finding:
    """One different cell that was not understood."""
    name, details = column.name, {"column": column.name, "value": value}
    if code == "K04":
        return Finding("K04", f"{name}: not a whole number.", "give a whole number", label, rows, details)
    if code == "K05":
        unit = f" ({column.unit})" if column.unit else ""
        return Finding("K05", f"{name}: {why}.", f"check the value and its unit{unit}", label, rows, details)
    if code == "K06":
        return Finding(
            "K06", f"{name}: not in the vocabulary.", suggest(value, column.values), label, rows, details
        )
    if code == "K07":
        return Finding("K07", f"{name}: {why}.", remedy, label, rows, details)
    return Finding("K03", f"{name}: {why}.", remedy, label, rows, details)


def suggest(value: Any, valid: Sequence[str]) -> str:
    """The remedy for a word that is not in a vocabulary.

    >>> suggest("railroad", ("railway", "road"))
    "did you mean 'railway'? use one of: railway, road"
    """
    text = str(value).lower()
    alike = [v for v in valid if v[:4] == text[:4]]  # railroad is nearer to railway than to road
    guess = alike[0] if len(alike) == 1 else nearest(text, valid)
    return f"{f'did you mean {guess!r}? ' if guess else ''}use one of: {', '.join(valid)}"
