"""Every line alone and every line taken away, exactly, without solving the landscape anew for each.

What a line adds to the edges it cuts is worked out for these edges only (:class:`permeability.landscape.standing_rows.StandingRows`).
The circuit view comes from one condensation (:class:`permeability.impact.what_if.CircuitView`): from today every line is taken
away, from the bare landscape every line is put up.  Least-cost fields are brought up to date where they change
(:class:`permeability.engines.leastcost.changed_fields.ChangedFields`), to the bits of a fresh run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.surface import cost_surface
from permeability.impact.range_after import RangeAfter
from permeability.impact.what_if import CircuitView
from permeability.landscape.standing_rows import EdgeSums, StandingRows
from permeability.linkage.measured import Measured, State

__all__ = ["alone_and_without"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, int], None]
MOST_EDGES = 1000  # of a line; a longer one is eliminated in its own state, which is quicker then


def alone_and_without(
    today: Measured, groups: Mapping[str, Ints], *, progress: Progress | None = None
) -> tuple[list[State], list[State]]:
    """What the indices are made of with each group of rows alone, and with each taken away.

    Parameters
    ----------
    today : Measured
    groups : mapping
        Name -> rows of the barrier table.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    (list of State, list of State)
        In the order of the groups.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> alone, without = alone_and_without(Measured(land, patches, land.valid), {"F": land.barriers.rows_of("F")})
    >>> alone[0].pieces.tolist(), without[0].pieces.tolist()
    ([48.0, 48.0], [96.0])
    """
    land, bare = today.land, today.bare
    rows = StandingRows(land)
    keys = [rows.touched(r) for r in groups.values()]
    only = [rows.only(r, k) for r, k in zip(groups.values(), keys)]
    without = [rows.without(r, k) for r, k in zip(groups.values(), keys)]
    lines = list(dict.fromkeys(land.barriers.table["line"].iloc[np.concatenate(list(groups.values()))]))
    view = CircuitView(land, today.patches, lines)
    resistance = (
        _resistances(view, without, view.face.crossing),
        _resistances(view, only, 0.0 * view.face.base),
    )
    out = []
    total = 2 * len(groups)
    for n, (start, states, r) in enumerate(((today, without, resistance[0]), (bare, only, resistance[1]))):
        fields, pieces = _fields(start), RangeAfter(start.land, start.inside)
        mine = []
        for i, state in enumerate(states):
            cost, cells = fields.after(state.keys, state.cost)
            mine.append(
                State(
                    cost,
                    np.asarray(cells * land.grid.cell_area_km2, np.float64),
                    r[i],
                    pieces.after(state.keys, state.cost),
                )
            )
            if progress is not None:
                progress(n * len(groups) + i + 1, total)
        out.append(mine)
    return out[1], out[0]


def _resistances(view: CircuitView, states: Sequence[EdgeSums], crossing: Array) -> Array:
    """Effective resistances in each state, (states, patches, patches), from one state of the barrier edges."""
    nothing = np.zeros(0, np.int64), np.zeros(0)
    few = [(s.keys, s.series) if len(s.keys) <= MOST_EDGES else nothing for s in states]
    start = np.cumsum([0, *(len(keys) for keys, _ in few)])
    keys = np.concatenate([nothing[0], *(keys for keys, _ in few)])
    series = np.concatenate([nothing[1], *(series for _, series in few)])
    candidates = view.candidates(start.astype(np.int64), keys, series)
    found = view.face.single_resistances(candidates, crossing)
    for i in (i for i, s in enumerate(states) if len(s.keys) > MOST_EDGES):
        at, mine = view.position(states[i].keys), crossing.copy()
        mine[at[at >= 0]] = states[i].series[at >= 0]
        found[i] = view.face.resistances(mine)
    return found


def _fields(start: Measured) -> ChangedFields:
    land = start.land
    surface = cost_surface(
        land.resistance,
        cell_size=land.grid.cell_size,
        neighbours=land.neighbours,
        barriers=land.edge_barriers(),
    )
    return ChangedFields(surface, start.fields, start.masks, land.profile.budget_m.best)
