"""What draws of the unknown numbers will take, before they are made."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["cost_of_draws", "seconds_per_draw", "seconds_per_state"]

STATE_RATE = 1.2e10  # multiply-adds per second of one core in dense elimination
CONDENSE_SECONDS_PER_CELL = 1.5e-6
HABITAT_SECONDS_PER_CELL = 0.4e-6
CUT_SECONDS = 3e-5  # per row of the cut table


def seconds_per_state(kept: int, cells: float = np.inf) -> float:
    """About how long one state of a condensed landscape takes [s]: 0.4 T^3 multiply-adds, and what goes with them.

    A large interface is kept in layers instead; a state then takes a part of what condensing the landscape takes.

    Parameters
    ----------
    kept : int
        Interface nodes T.
    cells : float
        Cells with a node.

    Returns
    -------
    float
        Of one core; docs/performance.md has the measurements.

    Examples
    --------
    >>> round(seconds_per_state(1845), 1), round(seconds_per_state(1845, 62_000), 2)
    (0.2, 0.05)
    """
    dense = 0.4 * float(kept) ** 3 / STATE_RATE
    layers = 0.4 * CONDENSE_SECONDS_PER_CELL * cells * max(1.0, cells / 1e6) ** 0.3
    return min(dense, layers) + 5e-6 * kept


def seconds_per_draw(cells: int, kept: int) -> float:
    """About how long one draw takes that condenses its landscape [s].

    Parameters
    ----------
    cells : int
        Cells with a node.
    kept : int
        Interface nodes T.

    Returns
    -------
    float

    Examples
    --------
    >>> seconds_per_draw(10**6, 500) > 10 * seconds_per_draw(60_000, 500)
    True
    """
    return CONDENSE_SECONDS_PER_CELL * cells * max(1.0, cells / 1e6) ** 0.3 + seconds_per_state(kept, cells)


def cost_of_draws(
    cells: int, kept: int, draws: int, *, shared: int | None = None, cuts: int = 0, anew: int = 0
) -> pd.DataFrame:
    """What each kind of draw costs, so that one can choose.

    Parameters
    ----------
    cells : int
        Cells with a node.
    kept : int
        Interface nodes when only the candidates' lines are left outside.
    draws : int
    shared : int, optional
        Interface nodes when all barriers are left outside, so that all draws share one condensation; None where
        that does not pay.
    cuts : int
        Rows of the cut table.
    anew : int
        Landscapes made anew; 0 = one for every draw.

    Returns
    -------
    DataFrame
        ``kind``, ``what``, ``count`` (how many are made), ``seconds`` on one core.  ``map`` and ``habitat`` come on
        top of ``crossing``.

    Examples
    --------
    >>> table = cost_of_draws(10**6, 2700, 1000, shared=2700, cuts=30_000).set_index("kind").seconds
    >>> bool(table["crossing"] < table["habitat"] < table["map"])
    True
    """
    state = seconds_per_state(shared, cells) if shared is not None else seconds_per_draw(cells, kept)
    condensed = seconds_per_draw(cells, kept) if shared is not None else 0.0
    remade = condensed + HABITAT_SECONDS_PER_CELL * cells
    n = anew or draws
    rows = [
        (
            "crossing",
            "crossing chances, trace lengths, traffic, barriers that may not be there",
            draws,
            state,
        ),
        ("weights", "weights of patches, costs: nothing is solved again", draws, 0.0),
        ("habitat", "habitat factors: the ground made and condensed anew", n, remade),
        ("map", "positions of lines: cut and condensed anew", n, remade + CUT_SECONDS * cuts),
    ]
    return pd.DataFrame(
        [(k, w, c, s * c) for k, w, c, s in rows], columns=["kind", "what", "count", "seconds"]
    )
