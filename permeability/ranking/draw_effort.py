"""What draws cost before they are made: seconds of one core for every kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from permeability.core.texts import N_
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.landscape.landscape import Landscape
from permeability.ranking.drawn_reach import STATES
from permeability.ranking.unknown_numbers import ANEW, LANDSCAPES, VARY

__all__ = ["cost_of_draws", "draw_costs", "seconds_of_singles", "seconds_per_draw", "seconds_per_state"]

STATE_RATE = 1.2e10  # multiply-adds per second of one core in dense elimination
CONDENSE_SECONDS_PER_CELL = 1.5e-6
HABITAT_SECONDS_PER_CELL = 0.4e-6
CUT_SECONDS = 4e-6  # per row of the cut table
FIELD_SECONDS_PER_CELL = 80e-9
UPDATE_SECONDS_PER_CELL = 5e-9  # of a field of which some edges changed (benchmarks/real_layers.py)
CHANGE_SECONDS = 1e-3  # what a changed state costs beside its fields
OPENING_SECONDS = 2e-4  # to work out which edges a candidate opens, once for a landscape
COLUMN_ADDS = (
    6.5  # for every interface node of the candidates and every cell, when each candidate is seen alone
)
SITE_SECONDS = 5e-5  # of a candidate in a draw
DRAWN_SECONDS = 5e-5  # of a barrier row in a draw


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
    (0.2, 0.02)
    """
    dense = 0.4 * float(kept) ** 3 / STATE_RATE
    layers = 0.15 * CONDENSE_SECONDS_PER_CELL * cells * max(1.0, cells / 1e6) ** 0.3
    return min(dense, layers) + 5e-6 * kept


def seconds_of_singles(kept: int, cells: float, sites: int) -> float:
    """About how long seeing every candidate alone takes in one state, beside the state itself [s].

    Parameters
    ----------
    kept : int
        Interface nodes of the candidates' lines.
    cells : float
        Cells with a node.
    sites : int
        Candidates.

    Returns
    -------
    float

    Examples
    --------
    >>> seconds_of_singles(10_000, 28_500, 1_849) < 1.0
    True
    """
    adds = min(0.4 * float(kept) ** 3, COLUMN_ADDS * kept * cells)
    return adds / STATE_RATE + SITE_SECONDS * sites


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
    cells: int,
    kept: int,
    draws: int,
    *,
    shared: int | None = None,
    cuts: int = 0,
    anew: int = LANDSCAPES,
    patches: int = 0,
    sites: int = 0,
    rows: int = 0,
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
        Landscapes made anew; at most one for every draw.
    patches, sites : int
        Patches and candidates, for the least-cost fields.
    rows : int
        Barrier rows.

    Returns
    -------
    DataFrame
        ``kind``, ``what``, ``count`` (how many are made), ``seconds`` on one core.  ``map`` and ``habitat`` come on
        top of ``crossing``.

    Examples
    --------
    >>> table = cost_of_draws(10**6, 2700, 1000, shared=2700, cuts=30_000).set_index("kind").seconds
    >>> bool(table["habitat"] < table["map"] < table["crossing"])  # 16 landscapes made anew, 1,000 draws
    True
    """
    state = seconds_per_state(shared, cells) if shared is not None else seconds_per_draw(cells, kept)
    state += seconds_of_singles(kept, cells, sites) + DRAWN_SECONDS * rows
    condensed = seconds_per_draw(cells, kept) if shared is not None else 0.0
    remade = condensed + HABITAT_SECONDS_PER_CELL * cells + OPENING_SECONDS * sites
    n = min(anew, draws)
    fields = FIELD_SECONDS_PER_CELL * cells * patches
    fields += sites * (UPDATE_SECONDS_PER_CELL * cells * patches + CHANGE_SECONDS)
    kinds = [
        (
            N_("crossing"),
            N_("crossing chances, trace lengths, traffic, barriers that may not be there"),
            draws,
            state,
        ),
        (N_("weights"), N_("weights of patches, costs: nothing is solved again"), draws, 0.0),
        (N_("habitat"), N_("habitat factors: the ground made and condensed anew"), n, remade),
        (
            N_("map"),
            N_("positions of lines and origin of the grid: cut and condensed anew"),
            n,
            remade + CUT_SECONDS * cuts,
        ),
        (
            N_("reach"),
            N_("movement budget and dispersal: least-cost fields made anew"),
            min(STATES, draws),
            fields,
        ),
    ]
    return pd.DataFrame(
        [(k, w, c, s * c) for k, w, c, s in kinds], columns=["kind", "what", "count", "seconds"]
    )


def worth_sharing(land: Landscape, lines: Sequence[str]) -> bool:
    """Whether one condensation with all barriers outside makes draws cheaper than one condensation per draw."""
    every = [str(x) for x in land.barriers.table["line"][land.chance_of > 0]]
    alone = seconds_per_draw(int(land.valid.sum()), interface_nodes(land, lines))
    cells = int(land.valid.sum())
    return seconds_per_state(interface_nodes(land, every), cells) <= alone


def interface_nodes(land: Landscape, lines: Sequence[str]) -> int:
    """About how many nodes stay when the edges of some lines are left outside."""
    rows = [r for line in dict.fromkeys(lines) for r in land.barriers.rows_of(line) if land.chance_of[r] > 0]
    mine = np.isin(land.cuts.barrier, rows) & (land.cuts.direction < 4)
    cell, k = land.cuts.cell[mine], land.cuts.direction[mine]
    other, valid = cell + D_ROW[k] * land.grid.cols + D_COL[k], land.valid.ravel()
    inside = valid[cell] & valid[other]
    ends = np.zeros(valid.size, bool)
    ends[cell[inside]], ends[other[inside]] = True, True
    return int(ends.sum())


def draw_costs(
    land: Landscape,
    lines: Sequence[str],
    draws: int,
    *,
    vary: Sequence[str] = VARY,
    draws_anew: int = LANDSCAPES,
    patches: int = 0,
    sites: int = 0,
) -> pd.DataFrame:
    """What the draws of a ranking will cost, before they are made.

    Parameters
    ----------
    land : Landscape
    lines : sequence of str
        Lines of the candidates.
    draws : int
    vary : sequence of str
        Kinds to draw.
    draws_anew : int
        As for :func:`permeability.ranking.ranking.rank`.
    patches, sites : int
        Patches and candidates, for the least-cost fields.

    Returns
    -------
    DataFrame
        ``kind``, ``what``, ``count``, ``seconds`` on one core, and ``chosen``: whether ``vary`` asks for the kind.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> draw_costs(land, ["F"], 500, vary=("crossing", "map"), draws_anew=20)[["kind", "count", "chosen"]].values.tolist()
    [['crossing', 500, True], ['weights', 500, False], ['habitat', 20, False], ['map', 20, True], ['reach', 6, True]]
    """
    every = [str(x) for x in land.barriers.table["line"][land.chance_of > 0]]
    shared = interface_nodes(land, every) if worth_sharing(land, lines) else None
    if any(k in ANEW for k in vary) and draws < 2 * draws_anew:
        shared = None
    table = cost_of_draws(
        int(land.valid.sum()), interface_nodes(land, lines), draws, shared=shared, cuts=len(land.cuts), anew=draws_anew,
        patches=patches, sites=sites, rows=int((land.chance_of > 0).sum()),
    )  # fmt: skip
    asked = {
        "crossing": VARY[:3] + ("unmapped",),
        "weights": ("weights", "cost"),
        "habitat": ("habitat",),
        "map": ("map", "origin"),
        "reach": VARY,
    }
    return table.assign(chosen=[any(v in asked[k] for v in vary) for k in table["kind"]])
