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

from permeability.barriers.lines import Barriers
from permeability.barriers.passability import crossing_cost_m, split_fenced_railway
from permeability.barriers.scenario import FACTS
from permeability.core.errors import BarrierError, nearest
from permeability.core.estimate import Derived, Estimate
from permeability.species.seasons import missing

if TYPE_CHECKING:
    from permeability.barriers.scenario import Intervention
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

    An estimate that knows what it comes from (:class:`permeability.core.estimate.Derived`) is worked out from the
    quantiles of its inputs.

    >>> pick = level_values({"track": 0.0})
    >>> p = Estimate(0.1, 0.5, 0.9)
    >>> float(pick(p, "track")), pick(p, "road")
    (0.1, 0.5)
    """
    if isinstance(level, str):
        return lambda estimate, key: float(getattr(estimate, level))
    quantiles = level

    def pick(estimate: Estimate, key: str) -> float:
        if isinstance(estimate, Derived) and any(k in quantiles for k, _ in estimate.inputs):
            return estimate.at(quantiles)
        return float(estimate.draw(quantiles[key])) if key in quantiles else estimate.best

    return pick


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
    from permeability.barriers.passability import crossing_estimate

    kind = row["kind"]
    if kind == "road":
        return (Component("road", crossing_estimate(row, profile, **context), "road"),)
    if kind == "fence":
        key = f"crossing.{_class(row, 'stock')}"
        return (Component("fence", crossing_estimate(row, profile, **context), key),)
    bare = {**row, "fenced": "no"}
    track = crossing_estimate(bare, profile, **{**context, "assume_fenced": "no"})
    parts = [Component("track", track, "crossing.rail_unfenced")]
    if is_fenced(row, context.get("assume_fenced", "no")):
        total = crossing_estimate({**row, "fenced": "yes"}, profile, **context)
        sides = {"left": ["left"], "right": ["right"]}.get(str(row.get("fence_sides")), ["left", "right"])
        fence = split_fenced_railway(total, track, n_fences=len(sides))
        key = f"crossing.{_class(row, 'rail_barbed_both_sides')}"
        fences = [Component(f"fence {side}", fence, key) for side in sides]
        parts = [fences[0], *parts, *fences[1:]]
    return tuple(parts)


def is_fenced(row: Mapping[str, Any], assume: str = "no") -> bool:
    """Whether a railway row counts as fenced: yes and mostly do, unknown as assumed."""
    state = fence_state(row)
    return state in ("yes", "mostly") or (state == "unknown" and assume == "yes")


def fence_state(row: Mapping[str, Any]) -> str:
    """``fenced`` of a row; unknown where it is empty.

    >>> fence_state({"fenced": float("nan")}), fence_state({"fenced": "no"})
    ('unknown', 'no')
    """
    return "unknown" if missing(row.get("fenced")) else str(row["fenced"])


def _class(row: Mapping[str, Any], default: str) -> str:
    return default if missing(row.get("fence_class")) else str(row["fence_class"])


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


class CostModel:
    """Crossing costs of a barrier table for one choice of the uncertain numbers.

    Parameters
    ----------
    barriers, components
        The table and, for each of its rows, its components.
    trace_length : Estimate
        Mean trace length [m].
    values : callable, optional
        Which number of each estimate to use; best by default.
    profile : SpeciesProfile, optional
        Needed for treatments whose chance depends on the species.
    cell_size : float
        Cell size of the grid [m]; narrow openings act over this much of the line in the least-cost view.
    """

    def __init__(
        self,
        barriers: Barriers,
        components: Sequence[tuple[Component, ...]],
        *,
        trace_length: Estimate,
        values: Values | None = None,
        profile: SpeciesProfile | None = None,
        cell_size: float = 1.0,
    ) -> None:
        self.barriers, self.components, self.profile, self.cell_size = (
            barriers,
            components,
            profile,
            cell_size,
        )
        self.pick = values or level_values()
        self.trace_m = self.pick(trace_length, TRACE)
        self.plain = [
            np.array([float(crossing_cost_m(self.pick(c.chance, c.key), self.trace_m)) for c in row])
            for row in components
        ]

    def costs(
        self,
        barrier: NDArray[np.int32],
        km: NDArray[np.float64],
        weight_m: NDArray[np.float64],
        interventions: Sequence[Intervention] = (),
    ) -> CutCosts:
        """Crossing cost of every cut after interventions.

        Parameters
        ----------
        barrier, km : arrays, shape (cuts,)
            Barrier row and kilometre of each cut.
        weight_m : array, shape (cuts,)
            Length of line that a cut stands for in the circuit view [m].
        interventions : sequence of Intervention
            In their order; of two on one component the later counts.
        """
        total = np.array([row.sum() for row in self.plain])
        cost = total[barrier] if len(barrier) else np.zeros(0)
        out = CutCosts(cost, cost.copy())
        steps = [s for s in interventions if s.action not in FACTS]
        rows_of = {s.line: set(self.barriers.rows_of(s.line).tolist()) for s in steps}
        for row in sorted(set().union(*rows_of.values())):
            mine = np.flatnonzero(barrier == row)
            if len(mine):
                here = [s for s in steps if row in rows_of[s.line]]
                out.cost_m[mine], out.interface_m[mine] = self._row(row, here, km[mine], weight_m[mine])
        return out

    def _row(
        self, row: int, steps: Sequence[Intervention], km: NDArray[np.float64], weight_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both costs of the cuts of one barrier row: whole stretches first, narrow openings in parallel to them."""
        cost = np.repeat(self.plain[row][:, None], len(km), axis=1)  # (components, cuts)
        narrow: list[tuple[NDArray[np.float64], dict[int, float]]] = []
        for step in steps:
            change = self.change(row, step)
            if not change:
                continue
            share = opening_share(self.barriers, row, km, weight_m, step, self.cell_size)
            if -1 in change or not np.isin(share, (0.0, 1.0)).all():
                narrow.append((share, change))
            else:
                for i, new in change.items():
                    cost[i, share > 0] = new
        least = cost.sum(axis=0)
        circuit = least.copy()
        for share, change in narrow:
            opened = _opened(cost, change)
            least = np.where(share > 0, np.minimum(least, opened), least)
            circuit = _mix(circuit, opened, share)
        return least, circuit

    def change(self, row: int, step: Intervention) -> dict[int, float]:
        """New crossing cost by component number (-1: the whole barrier) [m]; empty when nothing applies."""
        parts = self.components[row]
        absent = step.components is not None and not {c.name for c in parts} & set(step.components)
        if not parts or absent:
            return {}  # nothing there in this draw
        if step.action == "drop":
            return dict.fromkeys(range(len(parts)), 0.0)
        if step.action == "remove":
            names = step.components
            return {i: 0.0 for i, c in enumerate(parts) if (c.name in names if names else c.is_fence)}
        new = self.treated(row, step)
        return {i: float(crossing_cost_m(self.pick(p, key), self.trace_m)) for i, (p, key) in new.items()}

    def treated(self, row: int, step: Intervention) -> dict[int, tuple[Estimate, str]]:
        """Chance and key of the components that a treatment gives a new crossing chance."""
        from permeability.barriers.passability import treated_chances

        facts = self.barriers.table.iloc[row].to_dict()
        return treated_chances(step, facts, self.components[row], self.profile)

    def opened_total(self, row: int, step: Intervention) -> float:
        """Crossing cost of a whole barrier where one step acts over its full width [m of open ground]."""
        return float(_opened(self.plain[row][:, None], self.change(row, step))[0])


def _opened(cost: NDArray[np.float64], change: Mapping[int, float]) -> NDArray[np.float64]:
    """Cost across all components, shape (cuts,), after some of them changed."""
    if -1 in change:
        return np.full(cost.shape[1], change[-1])
    out = cost.copy()
    for i, new in change.items():
        out[i] = new
    return np.asarray(out.sum(axis=0))


def _mix(
    fence: NDArray[np.float64], opening: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Crossing cost of a fence with an opening over a share of it: conductances in parallel, by width."""
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.where(share < 1, (1 - share) / fence, 0.0) + np.where(share > 0, share / opening, 0.0)
        return np.where(share <= 0, fence, 1.0 / g)


def opening_share(
    barriers: Barriers,
    row: int,
    km: NDArray[np.float64],
    weight_m: NDArray[np.float64],
    step: Intervention,
    cell_size: float,
) -> NDArray[np.float64]:
    """Which share of each cut of a barrier row an intervention opens, 0..1.

    Stretches of at least one cell open the cuts inside them wholly, as a layer with that stretch edited would.
    Narrower ones, gaps and structures are spread over the cuts within one cell of their place so that the opened
    length is their width.
    """
    chain = barriers.chainages[row]
    low, high = chain.km_range
    a, b = max(step.km_from, low), min(step.km_to, high)
    if a > b:
        return np.zeros(len(km))
    at = chain.dist_at(km)
    d0, d1 = sorted(float(chain.dist_at(k)) for k in (a, b))
    width, own = d1 - d0, width_of(step)
    if own is not None:
        centre, width = (d0 + d1) / 2, own
        d0, d1 = centre - width / 2, centre + width / 2
    inside = (at >= d0) & (at <= d1)
    if width >= cell_size * (1.0 if own is None else 2.0):
        return inside.astype(float)  # none: off the grid
    if width <= 0:
        return np.zeros(len(km))
    centre, half = (d0 + d1) / 2, cell_size
    near = np.abs(at - centre) <= half
    return np.where(near, width / max(float(weight_m[near].sum()), width), 0.0)


def width_of(step: Intervention) -> float | None:
    """Width of a structure or gap [m]: its own, else the catalogue's; None for treatments of a whole stretch."""
    from permeability.barriers.treatments import treatments

    if step.width_m is not None or step.action != "treat" or step.treatment is None:
        return step.width_m
    known = treatments().get(str(step.treatment))
    return known.width_m if known is not None else None


def require_effect(
    step: Intervention,
    barriers: Barriers,
    components: Sequence[tuple[Component, ...]],
    profile: SpeciesProfile | None = None,
) -> None:
    """Refuse an intervention that could not change anything.

    Raises
    ------
    BarrierError
        B08 for a stretch outside the line, B09 for removing fences where there are none, B11 for components that are
        not there, B12 for a place without width; with ``profile`` also T01 to T06 for treatments.
    """
    rows = barriers.rows_of(step.line)
    low, high = barriers.km_range(step.line)
    met = [int(i) for i in rows if _overlaps(step, barriers.chainages[i].km_range)]
    if not met:
        raise BarrierError(
            "B08",
            f"{step.text()!r} lies outside the line.",
            details={"line": f"{step.line} runs from km {low:.1f} to km {high:.1f}"},
            remedy="give kilometres on the line",
        )
    if step.action == "remove" and not any(c.is_fence for i in met for c in components[i]):
        raise BarrierError(
            "B09",
            f"{step.line!r} has no fence to remove.",
            remedy='use drop() to take the whole line away, or set fenced = "yes" or assume_fenced = "yes"',
        )
    names = sorted({c.name for i in met for c in components[i]})
    absent = [n for n in step.components or () if n not in names]
    if absent:
        guess = nearest(absent[0], names)
        raise BarrierError(
            "B11",
            f"{step.line!r} has no component {absent[0]!r} there.",
            details={"components": ", ".join(names)},
            remedy=f"did you mean {guess!r}?" if guess else "name one of its components",
        )
    if step.action == "treat" and profile is not None:
        from permeability.barriers.passability import treated_chances

        for i in met:
            treated_chances(step, barriers.table.iloc[i].to_dict(), components[i], profile)
    if step.km_from == step.km_to and width_of(step) is None:
        raise BarrierError(
            "B12",
            f"{step.text()!r} names a place without a width.",
            remedy="give a stretch (from, to) in kilometres, or width_m for a gap or structure",
        )


def _overlaps(step: Intervention, span: tuple[float, float]) -> bool:
    return step.km_from <= span[1] and step.km_to >= span[0]
