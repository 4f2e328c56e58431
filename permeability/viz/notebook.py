"""How results show themselves in a notebook: a small map, a table, and where the numbers come from, folded away.

Every text from layers and projects is escaped; no script, no style sheet from elsewhere, no request.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.layers.grid import Grid, describe_crs
from permeability.locale.language import Words, reader_language, words
from permeability.viz.maps import Map

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape

CELL = "padding:2px 8px;text-align:{};border-bottom:1px solid #8884;white-space:normal;overflow-wrap:break-word;max-width:22em"
ROWS = 12


def reader() -> Words:
    """The words of whoever looks: see :func:`permeability.locale.language.reader_language`."""
    return words(reader_language())


def page(title: str, picture: Map, lead: str, table: pd.DataFrame, foot: str) -> str:
    """One result: title, map, lead (HTML), table, folded provenance (HTML)."""
    image = b64encode(picture.png(dpi=80)).decode("ascii")
    return (
        '<div style="font-family:sans-serif;font-size:13px;max-width:60em">'
        f"{title_html(title)}"
        f'<img alt="{escape(picture.alt)}" src="data:image/png;base64,{image}" style="max-width:100%;height:auto;background:#fff">'
        f"{lead}{table_html(table)}{foot}</div>"
    )


def title_html(text: str) -> str:
    """A title in bold."""
    return f'<p style="font-weight:bold;margin:4px 0;overflow-wrap:anywhere">{escape(text)}</p>'


def facts_html(facts: Mapping[str, object]) -> str:
    """A list of label and value."""
    rows = "".join(
        f'<tr><th scope="row" style="{CELL.format("left")}">{escape(str(k))}</th><td style="{CELL.format("left")}">{escape(str(v))}</td></tr>'
        for k, v in facts.items()
    )
    return (
        f'<table style="border-collapse:collapse;font-size:13px;margin:4px 0"><tbody>{rows}</tbody></table>'
    )


def table_html(table: pd.DataFrame, most: int = ROWS) -> str:
    """The first rows of a table; numbers to the right, infinity in words.

    >>> "no path" in table_html(pd.DataFrame({"cost_km": [float("inf")]}))
    True
    """
    tr = reader()
    numeric = [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for t in table.dtypes]
    head = "".join(
        f'<th scope="col" style="{CELL.format("right" if n else "left")}">{escape(str(c))}</th>'
        for c, n in zip(table.columns, numeric)
    )
    body = "".join(
        f"<tr>{_cells(row, numeric, list(table.columns), tr)}</tr>"
        for row in table.head(most).itertuples(index=False)
    )
    left = tr("{n} more rows", n=tr.number(len(table) - most))
    more = f"<p>{escape(left)}</p>" if len(table) > most else ""
    return f'<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:13px;margin:4px 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _cells(row: Iterable[Any], numeric: Sequence[bool], columns: Sequence[Any], tr: Words) -> str:
    return "".join(
        f'<td style="{CELL.format("right" if n else "left")}">{escape(cell_text(v, str(c), tr) if n else _word(v))}</td>'
        for v, n, c in zip(row, numeric, columns)
    )


def cell_text(value: float, column: str, tr: Words) -> str:
    """A number for a reader; infinity says what it means in its column.

    >>> cell_text(float("inf"), "gain_mean_resistance", words()), cell_text(float("inf"), "resistance", words())
    ('becomes finite', 'infinite (no path)')
    """
    if value in (float("inf"), float("-inf")):
        if column.startswith(("gain_", "change")):
            return (
                tr("becomes finite") if (value > 0) == column.startswith("gain_") else tr("becomes infinite")
            )
        return tr("infinite (no path)") if "resistance" in column else tr("no path")
    return "" if value != value else tr.number(value)


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None or value != value else str(value)


def grid_text(grid: Grid, tr: Words) -> str:
    """Coordinate system, cell size and shape of a grid."""
    rows, columns = (tr.number(n) for n in grid.shape)
    return tr("{crs}; cells of {n} m; {rows} rows, {columns} columns", crs=describe_crs(grid.crs), n=tr.number(grid.cell_size), rows=rows, columns=columns)  # fmt: skip


def provenance(land: Landscape) -> str:
    """Where the numbers come from, folded away: profile figures with grade and source."""
    rows = [
        {
            "number": k,
            "low": e.low,
            "best": e.best,
            "high": e.high,
            "evidence": e.evidence,
            "source": e.source,
        }
        for k, e in land.profile.estimates().items()
    ]
    tr = reader()
    said = tr("Where the numbers come from")
    return f"<details><summary>{escape(said)}</summary>{table_html(pd.DataFrame(rows), most=60)}</details>"
