"""What an animal meets on a barrier: fences, track, carriageway, each with its own crossing chance.

A fenced railway is three components in series (fence, track, fence); a road, an unfenced track and a fence are one
each.  Interventions change components between two kilometres; the result is one crossing cost per cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from permeability.barriers import Barriers
from permeability.errors import BarrierError
from permeability.estimate import Estimate
from permeability.passability import crossing_cost_m, split_fenced_railway

if TYPE_CHECKING:
    from permeability.scenario import Intervention
    from permeability.species import SpeciesProfile

Values = Callable[[Estimate, str], float]  # picks one number of an estimate, told the key it depends on

LEVELS = ("low", "best", "high")
TRACE = "trace_length"


@dataclass(frozen=True)
class Component:
    """One line of a barrier that is crossed by itself.

    Attributes
    ----------
    name : str
        ``"fence"``, ``"fence left"``, ``"fence right"``, ``"track"`` or ``"road"``.
    chance : Estimate
        Crossing chance per encounter.
    key : str
        The unknown number that the chance comes from; components with one key are drawn together.
    """

    name: str
    chance: Estimate
    key: str

    @property
    def is_fence(self) -> bool:
        """Whether the component is a fence (which can be taken down)."""
        return self.name.startswith("fence")


def level_values(level: str | Mapping[str, float] = "best") -> Values:
    """Pick ``low``, ``best`` or ``high`` of every estimate, or its quantile by key (missing keys: best).

    >>> pick = level_values({"track": 0.0})
    >>> p = Estimate(0.1, 0.5, 0.9)
    >>> float(pick(p, "track")), pick(p, "road")
    (0.1, 0.5)
    """
    if isinstance(level, str):
        return lambda estimate, key: float(getattr(estimate, level))
    return lambda estimate, key: float(estimate.draw(level[key])) if key in level else estimate.best


def components_of(row: Mapping[str, Any], profile: SpeciesProfile, **context: Any) -> tuple[Component, ...]:
    """The components of one barrier row for a species.

    Parameters
    ----------
    row : mapping
        One row of the barrier table.
    profile : SpeciesProfile
    **context
        ``year``, ``season``, ``assume_fenced`` and whatever else the crossing rules take.
    """
    from permeability.passability import crossing_estimate

    kind = row["kind"]
    if kind == "road":
        return (Component("road", crossing_estimate(row, profile, **context), "road"),)
    if kind == "fence":
        fence_class = str(row.get("fence_class") or "stock")
        return (Component("fence", crossing_estimate(row, profile, **context), f"crossing.{fence_class}"),)
    bare = {**row, "fenced": "no"}
    track = crossing_estimate(bare, profile, **{**context, "assume_fenced": "no"})
    parts = [Component("track", track, "crossing.rail_unfenced")]
    if is_fenced(row, context.get("assume_fenced", "no")):
        total = crossing_estimate({**row, "fenced": "yes"}, profile, **context)
        sides = {"left": ["left"], "right": ["right"]}.get(str(row.get("fence_sides")), ["left", "right"])
        fence = split_fenced_railway(total, track, n_fences=len(sides))
        key = f"crossing.{row.get('fence_class') or 'rail_barbed_both_sides'}"
        fences = [Component(f"fence {side}", fence, key) for side in sides]
        parts = [fences[0], *parts, *fences[1:]]
    return tuple(parts)


def is_fenced(row: Mapping[str, Any], assume: str = "no") -> bool:
    """Whether a railway row counts as fenced: yes and mostly do, unknown as assumed."""
    state = str(row.get("fenced") or "unknown")
    return state in ("yes", "mostly") or (state == "unknown" and assume == "yes")


@dataclass(frozen=True)
class CutCosts:
    """Crossing cost of every cut in both views.

    Attributes
    ----------
    cost_m : array, shape (cuts,)
        Least-cost view [m of open ground]; ``inf`` = impassable.
    interface_m : array, shape (cuts,)
        Circuit view: the crossing cost that has the conductance of the cut, openings in parallel by their
        width included [m of open ground].
    """

    cost_m: NDArray[np.float64]
    interface_m: NDArray[np.float64]


def cut_costs(
    barriers: Barriers,
    components: Sequence[tuple[Component, ...]],
    barrier: NDArray[np.int32],
    km: NDArray[np.float64],
    weight_m: NDArray[np.float64],
    *,
    trace_length: Estimate,
    interventions: Sequence[Intervention] = (),
    values: Values | None = None,
    profile: SpeciesProfile | None = None,
    cell_size: float = 1.0,
) -> CutCosts:
    """Crossing cost of every cut after interventions.

    Parameters
    ----------
    barriers, components
        The table and, for each of its rows, its components.
    barrier, km : arrays, shape (cuts,)
        Barrier row and kilometre of each cut.
    weight_m : array, shape (cuts,)
        Length of line that a cut stands for in the circuit view, up to a constant [m].
    trace_length : Estimate
        Mean trace length [m].
    interventions : sequence of Intervention
    values : callable
        Which number of each estimate to use; best by default.
    profile : SpeciesProfile, optional
        Needed for treatments whose chance depends on the species.
    cell_size : float
        Cell size of the grid [m]; narrow openings act over this much of the line in the least-cost view.
    """
    pick = values or level_values()
    m = pick(trace_length, TRACE)
    plain = [[float(crossing_cost_m(pick(c.chance, c.key), m)) for c in row] for row in components]
    cost = np.array([sum(c) for c in plain], float)[barrier] if len(barrier) else np.zeros(0)
    out = CutCosts(cost, cost.copy())
    for row in {int(i) for step in interventions for i in barriers.rows_of(step.line)}:
        mine = np.flatnonzero(barrier == row)
        if len(mine):
            _apply(
                out,
                mine,
                row,
                interventions,
                barriers,
                components,
                plain,
                km,
                weight_m,
                m,
                pick,
                profile,
                cell_size,
            )
    return out


def _apply(
    out: CutCosts, mine: NDArray[np.int64], row: int, interventions: Sequence[Intervention], barriers: Barriers,
    components: Sequence[tuple[Component, ...]], plain: list[list[float]], km: NDArray[np.float64],
    weight_m: NDArray[np.float64], m: float, pick: Values, profile: SpeciesProfile | None, cell_size: float,
) -> None:  # fmt: skip
    """Costs of the cuts of one barrier row, component by component, interventions in their order."""
    parts = components[row]
    cost = np.repeat(np.array(plain[row])[:, None], len(mine), axis=1)  # (components, cuts)
    circuit = cost.copy()
    whole: list[tuple[NDArray[np.float64], float]] = []  # structures across the whole barrier
    for step in interventions:
        if row not in barriers.rows_of(step.line):
            continue
        change = _changed(step, parts, plain[row], m, pick, profile, barriers, row)
        if change is None:
            continue
        share = opening_share(barriers, row, km[mine], weight_m[mine], step, cell_size)
        touched = share > 0
        for i, new in change.items():
            if i < 0:
                whole.append((share, new))
                continue
            cost[i, touched] = np.minimum(cost[i, touched], new) if step.width_m else new
            circuit[i] = _mix(circuit[i], np.full(len(mine), new), share)
    total, through = cost.sum(axis=0), circuit.sum(axis=0)
    for share, new in whole:
        total = np.where(share > 0, np.minimum(total, new), total)
        through = _mix(through, np.full(len(mine), new), share)
    out.cost_m[mine], out.interface_m[mine] = total, through


def _mix(
    fence: NDArray[np.float64], opening: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Crossing cost of a fence with an opening over a share of it: conductances in parallel, by width."""
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.where(share < 1, (1 - share) / fence, 0.0) + np.where(share > 0, share / opening, 0.0)
        return np.where(share <= 0, fence, 1.0 / g)


def _changed(
    step: Intervention, parts: tuple[Component, ...], plain: list[float], m: float, pick: Values,
    profile: SpeciesProfile | None, barriers: Barriers, row: int,
) -> dict[int, float] | None:  # fmt: skip
    """New crossing cost by component number (-1: the whole barrier), or None when nothing applies."""
    if step.action == "add":
        return None
    chosen = [
        i for i, c in enumerate(parts)
        if (c.name in step.components if step.components else (c.is_fence or step.action == "drop"))
    ]  # fmt: skip
    if step.action == "drop":
        return dict.fromkeys(range(len(parts)), 0.0)
    if step.action == "remove":
        return dict.fromkeys(chosen, 0.0) if chosen else None
    from permeability.passability import treated_chances

    new = treated_chances(step, barriers.table.iloc[row].to_dict(), parts, profile)
    return {i: float(crossing_cost_m(pick(chance, key), m)) for i, (chance, key) in new.items()}


def opening_share(
    barriers: Barriers,
    row: int,
    km: NDArray[np.float64],
    weight_m: NDArray[np.float64],
    step: Intervention,
    cell_size: float,
) -> NDArray[np.float64]:
    """Which share of each cut of a barrier row an intervention opens, 0..1.

    Stretches wider than two cells open the cuts inside them wholly.  Narrower ones, gaps and structures are spread
    over the cuts within one cell of their place so that the opened length is their width.
    """
    chain = barriers.chainages[row]
    low, high = chain.km_range
    a, b = max(step.km_from, low), min(step.km_to, high)
    if a > b:
        return np.zeros(len(km))
    at = chain.dist_at(km)
    d0, d1 = sorted(float(chain.dist_at(k)) for k in (a, b))
    width = d1 - d0
    if step.width_m is not None:
        centre, width = (d0 + d1) / 2, step.width_m
        d0, d1 = centre - width / 2, centre + width / 2
    if width >= 2 * cell_size:
        return ((at >= d0) & (at <= d1)).astype(float)
    if width <= 0:
        return np.zeros(len(km))
    centre, half = (d0 + d1) / 2, cell_size
    near = np.abs(at - centre) <= half
    if not near.any():
        near = np.abs(at - centre) == np.abs(at - centre).min()
    share = np.where(near, width * (weight_m > 0) / max(float(weight_m[near].sum()), 1e-9), 0.0)
    return np.minimum(share, 1.0)


def require_effect(
    step: Intervention, barriers: Barriers, components: Sequence[tuple[Component, ...]]
) -> None:
    """Refuse an intervention that could not change anything.

    Raises
    ------
    BarrierError
        B08 for a stretch outside the line, B09 for removing fences where there are none.
    """
    rows = barriers.rows_of(step.line)
    low, high = barriers.km_range(step.line)
    if step.km_to < low or step.km_from > high:
        raise BarrierError(
            "B08",
            f"{step.text()!r} lies outside the line.",
            details={"line": f"{step.line} runs from km {low:.1f} to km {high:.1f}"},
            remedy="give kilometres on the line",
        )
    if step.action == "remove" and not any(c.is_fence for i in rows for c in components[i]):
        raise BarrierError(
            "B09",
            f"{step.line!r} has no fence to remove.",
            remedy='use drop() to take the whole line away, or set fenced = "yes" or assume_fenced = "yes"',
        )
