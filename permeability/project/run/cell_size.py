"""Cells that suit the candidates: large enough to be cheap, small enough that the ranking does not hang on the grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from permeability.core.texts import N_, Said

__all__ = ["cell_size_line", "proposed_cell_m"]

ROUND = (5.0, 4.0, 2.5, 2.0, 1.0)  # what a cell size begins with


def proposed_cell_m(lengths_m: Sequence[float], enough: float) -> float | None:
    """The largest round cell size of which the median candidate is long enough.

    Parameters
    ----------
    lengths_m : sequence of float
        Of the candidates [m]; structures have none.
    enough : float
        Cells that a candidate should be long.

    Returns
    -------
    float or None
        [m]; 1, 2, 2.5, 4 or 5 times a power of ten.  None when no candidate has a length.

    Examples
    --------
    >>> [proposed_cell_m([length], 5) for length in (25_000, 10_000, 9_000, 400)], proposed_cell_m([0.0], 5)
    ([5000.0, 2000.0, 1000.0, 50.0], None)
    """
    drawn = [x for x in lengths_m if x > 0]
    if not drawn:
        return None
    most = float(np.median(drawn)) / enough * (1 + 1e-9)
    power = 10.0 ** math.floor(math.log10(most))
    return next(r * p for p in (power, power / 10) for r in ROUND if r * p <= most)


def cell_size_line(
    lengths_m: Sequence[float],
    cell_size_m: float,
    *,
    enough: float,
    project: str,
    cost: Said | str | None = None,
) -> Said | None:
    """What a plan says of the cell size.

    Parameters
    ----------
    lengths_m : sequence of float
        Of the candidates [m].
    cell_size_m : float
        Of the project [m].
    enough : float
        Cells that a candidate should be long.
    project : str
        Name of the project file, for the command.
    cost : Said or str, optional
        What the proposed cells would take, in words.

    Returns
    -------
    Said or None
        None when no candidate has a length.

    Examples
    --------
    >>> print(cell_size_line([10_000.0], 5000.0, enough=5, project="project.toml", cost="about 1 h"))
    candidates are 2 cells long; cells of 2000 m would make them 5 (about 1 h). `permeability settle project.toml --cell 5000 --cell 2000 --cell 1000` shows where the ranking settles
    """
    proposed = proposed_cell_m(lengths_m, enough)
    if proposed is None:
        return None
    long = float(np.median([x for x in lengths_m if x > 0]))
    now, command = f"{long / cell_size_m:.3g}", f"`permeability settle {project}"
    if proposed == cell_size_m or proposed < cell_size_m <= long / enough * (1 + 1e-9):
        text = N_(
            "candidates are {now} cells long, as long as a ranking needs that does not hang on the grid ({enough}); {command} shows whether it has settled"
        )
        return Said(text, {"now": now, "enough": f"{enough:g}", "command": f"{command}`"})
    sizes = sorted({cell_size_m, proposed, proposed / 2}, reverse=True)
    values = {
        "now": now, "size": f"{proposed:g}", "long": f"{long / proposed:.3g}", "cost": "" if cost is None else Said(" ({what})", {"what": cost}),
        "command": f"{command} {' '.join(f'--cell {c:g}' for c in sizes)}`",
    }  # fmt: skip
    if proposed < cell_size_m:
        return Said(
            N_(
                "candidates are {now} cells long; cells of {size} m would make them {long}{cost}. {command} shows where the ranking settles"
            ),
            values,
        )
    return Said(
        N_(
            "candidates are {now} cells long; for the ranking alone cells of {size} m would do, {long} to a candidate{cost}. {command} shows where the "
            "ranking settles"
        ),
        values,
    )
