"""Currents and resistances between focal nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from permeability.core.errors import OptionError
from permeability.locale.language import words
from permeability.viz.explore import picture_on_web_map
from permeability.viz.ground import ground_of_array
from permeability.viz.maps import Map, values_map
from permeability.viz.notebook import facts_html, page, reader, table_html, title_html
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.engines.circuit import PairwiseResult

__all__ = ["plot"]


def plot(result: PairwiseResult, ax: Any = None, *, language: str = "en") -> Map:
    """Summed (or largest) current between focal nodes.

    Parameters
    ----------
    result : PairwiseResult
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O06 when only resistances were asked for.

    Examples
    --------
    >>> from permeability.engines.circuit import pairwise
    >>> plot(pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)])).alt
    'Map of Current between focal nodes.'
    """
    tr = words(language)
    values = next((m for m in (result.cumulative, result.maximum, result.current) if m is not None), None)
    if values is None:
        raise OptionError(
            "O06", "this result holds no map.", remedy='compute it with current="cumulative" or "maximum"'
        )
    flat = values.sum(axis=0) if values.ndim == 3 else values
    return values_map(
        ground_of_array(np.isfinite(flat), tr), flat, "current", tr("Current between focal nodes"), ax, tr
    )


def html(result: PairwiseResult) -> str:
    """Map (where there is one) and resistances of focal nodes."""
    tr = reader()
    report = result.report
    facts = facts_html(
        {
            tr("solver"): tr(
                "{name}, residual {residual}", name=report.solver, residual=format(report.residual, ".1e")
            ),
            tr("focal nodes"): len(result.ids),
        }
    )
    if result.cumulative is None and result.maximum is None and result.current is None:
        return f'<div style="font-family:sans-serif;font-size:13px">{title_html(tr("Focal nodes"))}{facts}{table_html(result.table)}</div>'
    return page(tr("Focal nodes"), plot(result, language=tr.language), facts, result.table, "")


def explore(result: PairwiseResult, **options: Any) -> Any:
    """Refused: the result of arrays knows no place."""
    return picture_on_web_map(contents(result), "current", options)


def contents(result: PairwiseResult) -> Contents:
    """What can be written to a file."""
    return Contents(result.table)


VIEW = View(plot, html, explore, contents)
