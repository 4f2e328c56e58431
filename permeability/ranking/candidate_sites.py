"""What could be done, and where: candidates from stretches, structures, drawn sites and whole corridors of lines.

A candidate is a handful of interventions that belong together and what they cost.  Its crossing chance after the
treatment and its cost come from the treatment catalogue, or are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import require_effect, width_of
from permeability.barriers.parallel_lines import infrastructure_corridors
from permeability.barriers.scenario import Intervention
from permeability.barriers.treatments import treatment as treatment_named
from permeability.core.errors import BarrierError
from permeability.core.estimate import Estimate, weakest
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape

__all__ = [
    "Candidate",
    "candidates",
    "corridor_candidates",
    "structure_candidates",
    "treatment_cost",
]

LEAST_DRAWN_M = 100.0  # a structure narrower than this is drawn as a stretch of this length
TOLERANCE_M = 1_000.0
CORRIDOR_M = 10_000.0
MOST_SITES = (
    10_000  # of one line: beyond it a check takes minutes and sections are shorter than anybody opens
)


@dataclass(frozen=True)
class Candidate:
    """One thing that could be done: interventions that belong together, and what they cost.

    Attributes
    ----------
    id : str
        Such as ``"TMR km 750-760"``.
    line : str
        Line that it is told by; its interventions may be on further ones.
    km_from, km_to : float
    interventions : tuple of Intervention
    cost_usd : Estimate

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> site = pm.candidates(land, "F", length_m=4000)[0]
    >>> site.id, site.interventions[0].text()
    ('F km 0-4', 'remove fences F km 0-4')
    """

    id: str
    line: str
    km_from: float
    km_to: float
    interventions: tuple[Intervention, ...]
    cost_usd: Estimate

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line that something is done on."""
        return tuple(dict.fromkeys(i.line for i in self.interventions))

    @property
    def treatment(self) -> str:
        """Name of the first intervention's treatment."""
        return self.interventions[0].treatment or self.interventions[0].action

    def geometry(self, land: Landscape) -> shapely.Geometry:
        """The stretches it is on; a structure as a stretch of its width, at least 100 m."""
        parts = []
        for step in self.interventions:
            a, b = step.km_from, step.km_to
            if a == b:
                half = max(width_of(step) or 0.0, LEAST_DRAWN_M) / 2000.0
                a, b = a - half, b + half
            parts.append(land.barriers.stretch(step.line, a, b))
        parts = [p for p in parts if not p.is_empty]
        return parts[0] if len(parts) == 1 else shapely.line_merge(shapely.union_all(parts))


# ---------------------------------------------------------------- stretches of a line
@takes_landscape
def candidates(
    land: Landscape,
    line: str | Sequence[str],
    *,
    length_m: float = 10_000.0,
    treatment: str | None = "remove",
    km: tuple[float, float] | None = None,
    width_m: float | None = None,
    each_side: bool = False,
    chance: Estimate | None = None,
    cost_usd: Estimate | float | None = None,
) -> list[Candidate]:
    """Stretches of lines as candidates: consecutive, both fences of a railway together.

    Parameters
    ----------
    land : Landscape
    line : str or sequence of str
    length_m : float
        Length of a stretch in official kilometres [m]; stretches start at multiples of it.
    treatment : str or None
        ``"remove"`` (fences down), a name of the treatment catalogue, or None for a treatment of your own, which
        needs ``chance`` and ``cost_usd``.
    km : (from, to), optional
        Only this part of the lines.
    width_m : float, optional
        For structures: one of this width in the middle of every stretch.
    each_side : bool
        Every fence of a stretch as a candidate of its own.
    chance : Estimate, optional
        Crossing chance after the treatment in place of the catalogue's.
    cost_usd : Estimate or float, optional
        Cost of one candidate in place of the catalogue's [USD].

    Returns
    -------
    list of Candidate
        One per stretch, from the lowest kilometre on.

    Raises
    ------
    BarrierError
        B06 unknown line, B10 no stretch inside ``km``, B09 no fence to remove, B19 too many stretches, B40 a
        treatment of your own without chance or cost.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> [c.id for c in pm.candidates(land, "F", length_m=3000)]
    ['F km 0-3', 'F km 3-6', 'F km 6-8']
    """
    lines = [line] if isinstance(line, str) else list(line)
    found = []
    for name in lines:
        stretches = _stretches(land, name, length_m / 1000.0, km)
        if not stretches:
            raise BarrierError(
                "B10", f"there is no stretch of {name!r} between the given kilometres.",
                details={"line": "km {:g} to km {:g}".format(*land.barriers.km_range(name))}, remedy="give kilometres on the line",
            )  # fmt: skip
        for a, b in stretches:
            title = f"{name} km {a:g}-{b:g}" + ("" if treatment == "remove" else f" {treatment or 'own'}")
            steps = _actions(name, a, b, treatment, width_m, chance)
            for suffix, parts in _sides(land, name, each_side):
                mine = tuple(replace(s, components=parts) for s in steps)
                found.append(candidate(land, title + suffix, name, (a, b), mine, cost_usd))
    for site in {s.line: s for s in reversed(found)}.values():
        require_effect(site.interventions[0], land.barriers, land.components, land.profile)
    return found


def _stretches(
    land: Landscape, line: str, step_km: float, km: tuple[float, float] | None
) -> list[tuple[float, float]]:
    """Kilometres of consecutive stretches that start at multiples of their length."""
    low, high = land.barriers.km_range(line)
    low, high = (max(low, km[0]), min(high, km[1])) if km is not None else (low, high)
    if (high - low) / step_km > MOST_SITES:
        raise BarrierError(
            "B19", f"{line!r} would be parted into {(high - low) / step_km:,.0f} stretches.",
            details={"line": f"km {low:g} to km {high:g}", "length": f"{step_km:g} km"}, remedy=f"give a longer length_km: {MOST_SITES:,} are the most",
        )  # fmt: skip
    first, last = int(np.floor(low / step_km + 1e-9)), int(np.ceil(high / step_km - 1e-9))
    ends = [(max(low, i * step_km), min(high, (i + 1) * step_km)) for i in range(first, last)]
    gaps = any(b.code == "B16" for b in land.barriers.findings)
    drawn = [(a, b) for a, b in ends if b - a >= 1e-6]
    return [e for e in drawn if not land.barriers.stretch(line, *e).is_empty] if gaps else drawn


def _actions(
    line: str, a: float, b: float, treatment: str | None, width_m: float | None, chance: Estimate | None
) -> tuple[Intervention, ...]:
    if treatment == "remove" and chance is None:
        return (Intervention("remove", line, a, b, treatment="remove"),)
    if width_m is not None:
        a = b = (a + b) / 2
    return (Intervention("treat", line, a, b, treatment, chance=chance, width_m=width_m),)


def _sides(land: Landscape, line: str, each: bool) -> list[tuple[str, tuple[str, ...] | None]]:
    """What is treated together: everything, or each fence by itself."""
    if not each:
        return [("", None)]
    names = sorted({c.name for i in land.barriers.rows_of(line) for c in land.components[i] if c.is_fence})
    return [(f", {n}", (n,)) for n in names] or [("", None)]


def candidate(
    land: Landscape,
    name: str,
    line: str,
    km: tuple[float, float],
    steps: tuple[Intervention, ...],
    cost_usd: Estimate | float | None,
) -> Candidate:
    return Candidate(name, line, km[0], km[1], steps, _cost(land, steps, cost_usd))


def _cost(land: Landscape, steps: Sequence[Intervention], given: Estimate | float | None) -> Estimate:
    if isinstance(given, Estimate):
        return given
    if given is not None:
        return Estimate.exact(float(given), "USD", source="given")
    return total_cost([treatment_cost(land, s) for s in steps])


def total_cost(costs: Sequence[Estimate]) -> Estimate:
    """Sum of costs, low with low and high with high [USD].

    >>> total_cost([Estimate(1, 2, 4, "USD"), Estimate(1, 1, 1, "USD")]).as_tuple()
    (2.0, 3.0, 5.0)
    """
    if len(costs) == 1:
        return costs[0]
    low, best, high = (float(sum(v)) for v in zip(*(c.as_tuple() for c in costs)))
    sources = "; ".join(dict.fromkeys(c.source for c in costs if c.source))
    grade = weakest(*(c.evidence for c in costs))
    return Estimate(low, best, high, "USD", grade, sources, "log" if low > 0 else "pert")


def treatment_cost(land: Landscape, step: Intervention) -> Estimate:
    """Cost of an intervention from the treatment catalogue [USD].

    Parameters
    ----------
    land : Landscape
    step : Intervention

    Returns
    -------
    Estimate
        [USD]

    Raises
    ------
    BarrierError
        B40 for a treatment that is not in the catalogue and has no cost of its own.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> one, two = (treatment_cost(land, pm.Intervention("remove", "F", 0, km)) for km in (1, 2))
    >>> two.best == 2 * one.best
    True
    """
    if step.treatment is None and step.action == "treat":
        raise BarrierError(
            "B40",
            f"the treatment of {step.line!r} is not in the catalogue and has no cost.",
            remedy="give both chance and cost_usd, or name a treatment of the catalogue",
        )
    rows = land.barriers.rows_of(step.line)
    fences = max(sum(c.is_fence for c in land.components[i]) for i in rows)
    if step.components:
        fences = len(step.components)
    low, high = land.barriers.km_range(step.line)
    length = max(0.0, min(high, step.km_to) - max(low, step.km_from))
    return treatment_named(step.treatment or step.action).cost_usd(
        length_m=length * 1000.0, sides=max(1, fences), width_m=step.width_m
    )


# ---------------------------------------------------------------- structures at given places
@takes_landscape
def structure_candidates(
    land: Landscape,
    line: str,
    km: Iterable[float],
    *,
    treatment: str = "underpass",
    width_m: float | None = None,
    chance: Estimate | None = None,
    cost_usd: Estimate | float | None = None,
) -> list[Candidate]:
    """Structures or gaps at given kilometres of a line, each a candidate.

    Parameters
    ----------
    land : Landscape
    line : str
    km : iterable of float
        Kilometres, such as those of the culverts of an inventory.
    treatment : str
        A structure of the catalogue (``underpass``, ``bridge``, ``overpass``, ``gap``, ``gate``).
    width_m : float, optional
        Width in place of the catalogue's [m].
    chance, cost_usd
        As for :func:`candidates`.

    Returns
    -------
    list of Candidate
        One per kilometre.

    Raises
    ------
    BarrierError
        B08 for a kilometre off the line, B12 for a treatment without a width, T01 to T06 for treatments.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> [c.km_from for c in pm.structure_candidates(land, "F", [2, 5.5], treatment="gap", width_m=50)]
    [2.0, 5.5]
    """
    found = []
    for place in km:
        at = float(place)
        step = Intervention("treat", line, at, at, treatment, chance=chance, width_m=width_m)
        require_effect(step, land.barriers, land.components, land.profile)
        found.append(candidate(land, f"{line} km {at:g} {treatment}", line, (at, at), (step,), cost_usd))
    return found


# ---------------------------------------------------------------- whole corridors of infrastructure
@takes_landscape
def corridor_candidates(
    land: Landscape,
    line: str,
    *,
    distance_m: float = CORRIDOR_M,
    length_m: float = 10_000.0,
    treatment: str = "remove",
    km: tuple[float, float] | None = None,
) -> list[Candidate]:
    """Stretches of a line together with the fenced lines that run beside them, each bundle one candidate.

    Opening one of two parallel fences is worth little; a bundle opens them all on the same width.

    Parameters
    ----------
    land : Landscape
    line : str
        The line whose kilometres the bundles follow.
    distance_m : float
        Lines at most this far apart belong together [m].
    length_m, treatment, km
        As for :func:`candidates`; lines that the treatment cannot be applied to are left as they are.

    Returns
    -------
    list of Candidate
        One per stretch of the line.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.corridor_candidates(land, "F", distance_m=3000, length_m=4000)
    >>> [c.lines for c in sites]  # S stands beside the northern end
    [('F',), ('F', 'S')]
    """
    standing = land.barriers.subset(land.standing)
    beside = infrastructure_corridors(standing, distance_m=distance_m, least_m=min(5_000.0, length_m))
    beside = beside[beside["line"] == line]
    found = []
    for site in candidates(land, line, length_m=length_m, treatment=treatment, km=km):
        near = beside[(beside["km_from"] < site.km_to) & (beside["km_to"] > site.km_from)]
        others: list[Candidate] = []
        for row in near.drop_duplicates("beside").itertuples():
            a, b = max(site.km_from, row.km_from), min(site.km_to, row.km_to)
            others += _beside(land, site.line, (a, b), str(row.beside), treatment)
        found.append(merged([site, *others]) if others else site)
    return found


def _beside(
    land: Landscape, line: str, km: tuple[float, float], other: str, treatment: str
) -> list[Candidate]:
    """The stretch of another line that lies beside a stretch of this one, if it can be treated."""
    ends = list(shapely.get_parts(land.barriers.stretch(line, *km).boundary))
    at = [km_of(land, other, p)[0] for p in ends]
    low, high = land.barriers.km_range(other)
    a, b = max(low, min(at)), min(high, max(at))
    if b - a < 1e-6:
        return []
    steps = _actions(other, a, b, treatment, None, None)
    try:
        require_effect(steps[0], land.barriers, land.components, land.profile)
    except BarrierError as error:
        if error.code in ("B09", "T04"):  # nothing here that the treatment could change
            return []
        raise
    return [candidate(land, f"{other} km {a:.4g}-{b:.4g}", other, (a, b), steps, None)]


def merged(sites: Sequence[Candidate], name: str | None = None) -> Candidate:
    """Several candidates as one: all their interventions, costs added.

    The first one's line and kilometres stand for all.
    """
    first = sites[0]
    on_line = [s for s in sites if s.line == first.line]
    return Candidate(
        name or " + ".join(s.id for s in sites),
        first.line,
        min(s.km_from for s in on_line),
        max(s.km_to for s in on_line),
        tuple(i for s in sites for i in s.interventions),
        total_cost([s.cost_usd for s in sites]),
    )


# ---------------------------------------------------------------- places on a line
def places_on(
    land: Landscape, line: str, points: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kilometres of the places on a line that are nearest to points, and the distances [m]."""
    rows = land.barriers.rows_of(line)
    shapes = land.barriers.table.geometry.to_numpy()[rows]
    away = np.asarray(shapely.distance(shapes[:, None], points[None, :]), float)
    nearest = np.argmin(away, axis=0)
    along = shapely.line_locate_point(shapes[nearest], points)
    km = [float(land.barriers.chainages[rows[k]].km_at(d)) for k, d in zip(nearest, along)]
    return np.array(km), away[nearest, np.arange(len(points))]


def km_of(land: Landscape, line: str, point: shapely.Point) -> tuple[float, float]:
    """Kilometre of the place on a line that is nearest to a point, and its distance [m]."""
    km, away = places_on(land, line, np.array([point], dtype=object))
    return float(km[0]), float(away[0])
