"""What an animal meets on a barrier: fences, track, carriageway, each with its own crossing chance.

A fenced railway is three components in series (fence, track, fence); a road, an unfenced track and a fence are one
each.  Interventions change components between two kilometres (:mod:`permeability.barriers.cut_costs`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from permeability.barriers.drawn_values import OneDraw
from permeability.barriers.lines import Barriers
from permeability.barriers.passability import crossing_cost_m, split_fenced_railway
from permeability.core.errors import BarrierError, nearest
from permeability.core.estimate import Derived, Estimate
from permeability.species.seasons import missing

if TYPE_CHECKING:
    from permeability.barriers.scenario import Intervention
    from permeability.species import SpeciesProfile

Values = Callable[[Estimate, str], float]  # picks one number of an estimate, told the key it depends on

LEVELS = ("low", "best", "high")
TRACE, COST = "trace_length", "crossing_cost"


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
    trace_m : Estimate or None
        Trace length at this class of barriers [m]; None = the species' own.
    cost_m : Estimate or None
        Crossing cost as it was measured [m of open ground]; it goes before chance and trace length.
    of_class : str
        Class of the profile that the two come from.
    """

    name: str
    chance: Estimate
    key: str
    trace_m: Estimate | None = None
    cost_m: Estimate | None = None
    of_class: str = ""

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
    if isinstance(level, OneDraw):
        return level.worth
    return _AtLevel(level) if isinstance(level, str) else _AtQuantiles(level)


@dataclass(frozen=True)
class _AtLevel:
    """``low``, ``best`` or ``high`` of an estimate."""

    level: str

    def __call__(self, estimate: Estimate, key: str) -> float:
        return float(getattr(estimate, self.level))


@dataclass(frozen=True)
class _AtQuantiles:
    """The quantile of an estimate by its key, or the best value."""

    quantiles: Mapping[str, float]

    def __call__(self, estimate: Estimate, key: str) -> float:
        quantiles = self.quantiles
        if isinstance(estimate, Derived) and any(k in quantiles for k, _ in estimate.inputs):
            return estimate.at(quantiles)
        return float(estimate.draw(quantiles[key])) if key in quantiles else estimate.best


def _component(name: str, chance: Estimate, key: str, of_class: str, profile: SpeciesProfile) -> Component:
    """A component with what the profile knows of its class; a cost that was measured holds for the class as it stands."""
    trace, trace_key = profile.trace_of(of_class)
    own = trace if trace_key != TRACE else None
    plain = profile.crossing.get(of_class)
    cost = profile.cost_of(of_class) if plain is not None and chance.as_tuple() == plain.as_tuple() else None
    return Component(name, chance, key, own, cost, of_class)


def _railway_fence(
    total: Estimate, track: Component, sides: int, of_class: str, profile: SpeciesProfile
) -> tuple[Estimate, Estimate | None]:
    """Chance of each fence of a railway, and its measured cost: what the whole costs beyond the track."""
    chance = split_fenced_railway(total, track.chance, n_fences=sides)
    whole, plain = profile.cost_of(of_class), profile.crossing.get(of_class)
    if whole is None or plain is None or total.as_tuple() != plain.as_tuple():
        return chance, None
    bare = track.cost_m.best if track.cost_m is not None else float(
        crossing_cost_m(track.chance.best, (track.trace_m or profile.trace_length_m).best)
    )  # fmt: skip
    return chance, whole.map(lambda c: max(c - bare, 1.0) / sides)


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
        return (_component("road", crossing_estimate(row, profile, **context), "road", "road", profile),)
    if kind == "fence":
        own = _class(row, "stock")
        return (
            _component("fence", crossing_estimate(row, profile, **context), f"crossing.{own}", own, profile),
        )
    bare = {**row, "fenced": "no"}
    track = crossing_estimate(bare, profile, **{**context, "assume_fenced": "no"})
    parts = [_component("track", track, "crossing.rail_unfenced", "rail_unfenced", profile)]
    if is_fenced(row, context.get("assume_fenced", "no")):
        total = crossing_estimate({**row, "fenced": "yes"}, profile, **context)
        sides = {"left": ["left"], "right": ["right"]}.get(str(row.get("fence_sides")), ["left", "right"])
        own = _class(row, "rail_barbed_both_sides")
        fence, cost = _railway_fence(total, parts[0], len(sides), own, profile)
        one = replace(_component("", fence, f"crossing.{own}", own, profile), cost_m=cost)
        fences = [replace(one, name=f"fence {side}") for side in sides]
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
