"""From one row of the barrier layer to a crossing chance, before and after treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from permeability.barriers.passability.cost import (
    checked,
    number,
    parallel,
    split_fenced_railway,
)
from permeability.barriers.passability.fences import FenceDesign, fence_chance, snow_factor
from permeability.barriers.passability.structures import Structure, structure_chance
from permeability.barriers.passability.tracing import spaced_chance
from permeability.barriers.passability.traffic import rail_chance, road_chance
from permeability.barriers.treatments import Treatment
from permeability.barriers.treatments import treatment as treatment_named
from permeability.core.cells import read_series
from permeability.core.errors import BarrierError, check_choice
from permeability.core.estimate import Derived, Estimate, propagate
from permeability.species import SpeciesProfile
from permeability.species.seasons import Season, missing, parse_hours, parse_profile, season, standing

FENCED: tuple[str, ...] = ("yes", "mostly", "no", "unknown")
OPEN_GROUND = Estimate(1.0, 1.0, 1.0, evidence="D", source="nothing to cross")


class Component(Protocol):
    """What :func:`treated_chances` needs to know of one line of a barrier."""

    @property
    def name(self) -> str: ...
    @property
    def chance(self) -> Estimate: ...
    @property
    def key(self) -> str: ...
    @property
    def is_fence(self) -> bool: ...


class Step(Protocol):
    """What :func:`treated_chances` needs to know of an intervention."""

    @property
    def treatment(self) -> str | None: ...
    @property
    def components(self) -> tuple[str, ...] | None: ...
    @property
    def chance(self) -> Estimate | None: ...
    @property
    def width_m(self) -> float | None: ...
    @property
    def options(self) -> Mapping[str, Any]: ...


def crossing_estimate(
    row: Mapping[str, Any],
    profile: SpeciesProfile,
    *,
    year: float | None = None,
    season: str | Season | None = None,
    treatment: str | Treatment | None = None,
    assume_fenced: str = "no",
) -> Estimate:
    """Chance of a species to cross one barrier of the barrier layer, as a whole.

    Parameters
    ----------
    row : mapping
        A row of the barrier schema.  Used: ``kind``, ``fence_class``, ``fenced``, ``trains_per_day``,
        ``vehicles_per_day`` with ``_low`` and ``_high``, ``hour_profile``, ``closed_hours``, ``bunching``,
        ``bottom_wire_m``, ``top_wire_m``, ``wires``, ``bottom_wire``, ``status``, ``opened``, ``closed``.
    profile : SpeciesProfile
    year : float, optional
        Calendar year.  A barrier that exists or was removed counts as open ground outside its dates; one that
        is planned is asked about as if it were built.
    season : str or Season, optional
        Season whose snow lies at the fences; None for no snow.
    treatment : str or Treatment, optional
        Treatment applied to the whole row.
    assume_fenced : {"no", "yes"}
        How a railway with ``fenced = "unknown"`` is taken.  Both answers are worth a run.

    Returns
    -------
    Estimate
        For a fenced railway the chance to cross fence, track and fence together (the profile's
        ``rail_barbed_both_sides`` or ``rail_wildlife_friendly``); see :func:`split_fenced_railway`.
        ``fenced = "mostly"`` counts as fenced, since nobody can say where it is not.  A row of kind ``fence``
        counts as standing unless ``fenced = "no"``.  The class ``border`` is the whole border strip,
        one or two lines.

    Raises
    ------
    BarrierError
        V08 for an unknown kind or fence class, V09 for a road without any traffic figure.

    Examples
    --------
    >>> from permeability.species import species
    >>> row = {"kind": "railway", "fenced": "yes", "fence_class": "rail_barbed_both_sides"}
    >>> crossing_estimate(row, species("mongolian_gazelle")).best
    0.01
    >>> crossing_estimate(row, species("mongolian_gazelle"), treatment="remove").best
    0.8
    """
    check_choice("assume_fenced", assume_fenced, ("no", "yes"))
    kind = row.get("kind")
    if kind not in ("railway", "road", "fence"):
        raise BarrierError(
            "V08",
            f"there is no crossing rule for barriers of kind {kind!r}.",
            details={"valid": "railway, road, fence"},
            remedy="give canals and pipelines as kind 'fence' with their fence_class, or leave them out",
        )
    status = "existing" if missing(row.get("status")) else str(row["status"])
    if year is not None and status in ("existing", "removed") and not standing(row, year):
        return OPEN_GROUND
    bare = _bare(row, profile, season, assume_fenced)
    if treatment is None:
        return bare
    return _treated_row(row, profile, season, treatment, bare)


def _bare(
    row: Mapping[str, Any], profile: SpeciesProfile, when: str | Season | None, assume: str
) -> Estimate:
    kind = str(row["kind"])
    if kind == "road":
        return _road(row, profile)
    fenced = "unknown" if missing(row.get("fenced")) else str(row["fenced"])
    check_choice("fenced", fenced, FENCED)
    if kind == "fence":
        return OPEN_GROUND if fenced == "no" else _fence(row, profile, when, "stock")
    if fenced in ("yes", "mostly") or (fenced == "unknown" and assume == "yes"):
        return _fence(row, profile, when, "rail_barbed_both_sides")
    return _track(row, profile)


def _track(row: Mapping[str, Any], profile: SpeciesProfile) -> Estimate:
    trains = float("nan") if missing(row.get("trains_per_day")) else float(row["trains_per_day"])
    chance: Estimate = rail_chance(profile.crossing["rail_unfenced"], trains, profile.road_gap_s)
    return chance


def _fence(
    row: Mapping[str, Any], profile: SpeciesProfile, when: str | Season | None, default: str
) -> Estimate:
    """The class's chance, or the design rule's where wire heights are given, less what snow takes."""
    period = season(when)
    snow = period.snow_m if period is not None else 0.0
    design = design_of(row)
    if design is not None:
        chance = fence_chance(design, profile, snow)
        if (
            str(row["kind"]) == "railway"
        ):  # heights are those of one line, the answer is for both and the track
            return _series(chance, _track(row, profile), profile)
        return chance
    fence_class = default if missing(row.get("fence_class")) else str(row["fence_class"])
    if fence_class not in profile.crossing:
        raise BarrierError(
            "V08",
            f"fence class {fence_class!r} is not in the species profiles.",
            details={"valid": ", ".join(profile.crossing)},
            remedy="use one of these classes, or give wire heights",
        )
    chance = profile.crossing[fence_class]
    kept = snow_factor(fence_class, profile, snow)
    if kept is None:
        return chance
    low, best, high = (p * f for p, f in zip(chance.as_tuple(), kept.as_tuple()))
    return chance.with_values(low, best, high, source=f"{chance.source}; {kept.source}")


def _series(fence: Estimate, track: Estimate, profile: SpeciesProfile, n_fences: int = 2) -> Estimate:
    """Chance to cross n fences and a track whose costs add up: :func:`split_fenced_railway` undone."""

    def together(fence: Any, track: Any) -> Any:
        f, t = checked("p", fence, 0.0, 1.0, ""), checked("p", track, 0.0, 1.0, "")
        if f <= 0 or t <= 0:
            return 0.0
        return number(1.0 / (1.0 + n_fences * (1.0 - f) / f + (1.0 - t) / t))

    chance: Estimate = propagate(together, increasing={"fence": fence, "track": track})
    return chance


def design_of(row: Mapping[str, Any]) -> FenceDesign | None:
    """The fence design written in a row of the barrier layer, or None without wire heights.

    >>> design_of({"bottom_wire_m": 0.5, "top_wire_m": 1.1, "bottom_wire": "smooth"}).bottom
    'smooth'
    """
    bottom, top, strands = row.get("bottom_wire_m"), row.get("top_wire_m"), row.get("wires")
    if not missing(row.get("wire_heights_m")):
        heights, why = read_series(row["wire_heights_m"], "m")
        if why or not heights:
            raise BarrierError(
                "V10",
                f"wire_heights_m = {row['wire_heights_m']!r} is no list of heights.",
                remedy='write "0.46 0.65 0.85 1.02"',
            )
        bottom, top, strands = heights[0], heights[-1], len(heights)
    if bottom is None or top is None or missing(bottom) or missing(top):
        return None
    kind = "barbed" if missing(row.get("bottom_wire")) else str(row["bottom_wire"])
    meshed = kind == "mesh" or str(row.get("wire_type")) == "mesh"
    count = None if meshed or strands is None or missing(strands) else int(strands)
    return FenceDesign(bottom_m=float(bottom), top_m=float(top), strands=count, bottom=kind)


def traffic_of(row: Mapping[str, Any]) -> Estimate:
    """Vehicles a day of a road row as an estimate; missing ends are filled from what is there.

    A missing best value is the geometric mean of low and high, the middle of a range known to a factor.

    Parameters
    ----------
    row : mapping
        A barrier row.

    Returns
    -------
    Estimate
        [vehicles per day]

    Raises
    ------
    BarrierError
        V09 when the row holds no figure at all.

    Examples
    --------
    >>> traffic_of({"vehicles_per_day_low": 100, "vehicles_per_day_high": 400}).best
    200.0
    """
    keys = ("vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high")
    low, best, high = (None if missing(row.get(k)) else float(row[k]) for k in keys)
    if low is None and best is None and high is None:
        raise BarrierError(
            "V09",
            f"road {row.get('id', row.get('name', ''))!r} has no vehicles_per_day.",
            remedy="give a count, or a low and a high guess; at 1,000 a day half of all moments are too busy",
        )
    if best is None:
        best = (
            (low * high) ** 0.5
            if low is not None and high is not None
            else (low if low is not None else high)
        )
    assert best is not None
    low, high = (best if low is None else low), (best if high is None else high)
    return Estimate(
        low, best, high, "vehicles per day", "M-m", str(row.get("traffic_source") or "barrier layer")
    )


def _road(
    row: Mapping[str, Any], profile: SpeciesProfile, closed: Sequence[int] = (), **changes: Any
) -> Estimate:
    if "vehicles_per_day" in changes:
        changes = _scaled_traffic(row, changes)
    row = {**row, **changes}
    rule = partial(
        road_chance,
        hour_profile=parse_profile(row.get("hour_profile")),
        closed_hours=tuple(dict.fromkeys((*parse_hours(row.get("closed_hours")), *closed))),
        bunching=1.0 if missing(row.get("bunching")) else float(row["bunching"]),
    )
    line = row.get("id") if missing(row.get("line")) else row["line"]
    inputs = (
        ("road.p0", profile.road_p0),
        (f"traffic.{line}", traffic_of(row)),
        ("road.gap_s", profile.road_gap_s),
    )
    return Derived.of(rule(*(e for _, e in inputs)), inputs, rule)


def _scaled_traffic(row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A new best traffic with the old range around it, by proportion; exact where there was no figure."""
    new = float(changes["vehicles_per_day"])
    keys = ("vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high")
    known = any(not missing(row.get(k)) for k in keys)
    old = traffic_of(row) if known else Estimate.exact(new)
    factor = new / old.best if old.best > 0 else 0.0
    spread = (
        {keys[0]: old.low * factor, keys[2]: old.high * factor}
        if factor > 0
        else {keys[0]: new, keys[2]: new}
    )
    return {**spread, **changes}


def _treatment(name: str | Treatment, row: Mapping[str, Any]) -> Treatment:
    """The treatment, refused on a kind of barrier it does not go with."""
    found = name if isinstance(name, Treatment) else treatment_named(name)
    if row.get("kind") not in found.kinds:
        raise BarrierError(
            "T04",
            f"treatment {found.name!r} does not go with a {row.get('kind')}.",
            details={"goes with": ", ".join(found.kinds)},
            remedy="choose another treatment or another barrier",
        )
    return found


def structure_of(
    found: Treatment, width_m: float | None = None, options: Mapping[str, Any] | None = None
) -> Structure:
    """The structure a treatment builds, with the width and sizes asked for."""
    sizes = {**found.effect, **(options or {})}
    return Structure(
        str(found.effect["structure"]),
        float(width_m if width_m is not None else sizes["width_m"]),
        sizes.get("height_m"),
        sizes.get("length_m"),
    )


def bottom_out_chance(found: Treatment, profile: SpeciesProfile, fence: Estimate) -> Estimate:
    """Chance at a fence with the lowest wires out at regular places: try the fence, and find one of the places.

    An animal goes through such a place as it does under the bare wires, and not more readily than through a gap of that width;
    see :func:`permeability.barriers.passability.tracing.spaced_chance`.  Never below the fence's own chance.
    """
    effect = found.effect
    opening = fence_chance(
        FenceDesign(float(effect["clearance_m"]), max(1.2, float(effect["clearance_m"])), 2, "smooth"),
        profile,
    )
    gap = structure_chance(Structure("gap", float(effect["width_m"])), profile)
    chance: Estimate = spaced_chance(
        _lower(opening, gap), fence, profile.trace_length_m,
        width_m=float(effect["width_m"]), spacing_m=float(effect["spacing_m"]),
    )  # fmt: skip
    return chance


def _lower(a: Estimate, b: Estimate) -> Estimate:
    """The lower of two chances at every level."""

    def lower(a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    chance: Estimate = propagate(lower, increasing={"a": a, "b": b})
    return chance


def _treated_row(
    row: Mapping[str, Any],
    profile: SpeciesProfile,
    when: str | Season | None,
    name: str | Treatment,
    bare: Estimate,
) -> Estimate:
    """The whole row after treatment; a treatment never makes it worse than it was."""
    found = _treatment(name, row)
    effect = found.effect["kind"]
    railway = row["kind"] == "railway"
    if effect == "remove":
        return _track(row, profile) if railway else OPEN_GROUND
    if effect == "class":
        blank = {"bottom_wire_m": None, "top_wire_m": None, "fence_class": found.effect["fence_class"]}
        return _fence({**row, **blank}, profile, when, "stock")
    if effect == "structure":
        return structure_chance(structure_of(found), profile)
    if effect == "closure":
        return _road(row, profile, tuple(found.effect["hours"]))
    if not railway:
        return bottom_out_chance(found, profile, bare)
    track = _track(row, profile)
    fence = bottom_out_chance(found, profile, split_fenced_railway(bare, track))
    return _series(fence, track, profile)


def treated_chances(
    step: Step, row: Mapping[str, Any], parts: Sequence[Component], profile: SpeciesProfile | None
) -> dict[int, tuple[Estimate, str]]:
    """New crossing chances of the components of a barrier that a treatment changes.

    Parameters
    ----------
    step : Intervention
        ``treatment``, ``components``, ``chance``, ``width_m`` and ``options`` are used.
    row : mapping
        The barrier row.
    parts : sequence of Component
        Its components (fences, track, road).
    profile : SpeciesProfile or None
        Needed unless the step gives its own ``chance``.

    Returns
    -------
    dict
        Component number -> (chance, key of the unknown number); -1 stands for the whole barrier, which a
        structure replaces over its width.

    Raises
    ------
    BarrierError
        T01 for an unknown treatment, T04 for one that does not go with the barrier, T05 for components that
        are not there, T06 without a species profile.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> step = pm.Intervention("treat", "F", 2, 4, "modify")
    >>> row = land.barriers.table.iloc[0].to_dict()
    >>> chances = treated_chances(step, row, land.components[0], land.profile)
    >>> chances[0][0].best > land.components[0][0].chance.best
    True
    """
    chosen = _chosen(step, parts)
    found = None if step.treatment is None else _treatment(step.treatment, row)
    if step.chance is not None:
        key = f"treatment.{step.treatment or 'chance'}"
        whole = found is not None and found.is_structure and step.components is None
        return {-1: (step.chance, key)} if whole else dict.fromkeys(chosen, (step.chance, key))
    if found is None or profile is None:
        raise BarrierError(
            "T06",
            "a treatment needs its name and a species profile, or a chance of its own.",
            remedy="name a treatment of the catalogue, or give chance=Estimate(...)",
        )
    return _catalogue_chances(found, step, row, parts, profile, chosen)


def _chosen(step: Step, parts: Sequence[Component]) -> list[int]:
    """Numbers of the components a step is about: those named, else all fences, else all."""
    names = [c.name for c in parts]
    if step.components:
        absent = [n for n in step.components if n not in names]
        if absent:
            raise BarrierError(
                "T05",
                f"the barrier has no component {absent[0]!r}.",
                details={"components": ", ".join(names)},
                remedy="name one of its components",
            )
        return [i for i, n in enumerate(names) if n in step.components]
    return [i for i, c in enumerate(parts) if c.is_fence] or list(range(len(parts)))


def _catalogue_chances(
    found: Treatment,
    step: Step,
    row: Mapping[str, Any],
    parts: Sequence[Component],
    profile: SpeciesProfile,
    chosen: Sequence[int],
) -> dict[int, tuple[Estimate, str]]:
    effect = str(found.effect["kind"])
    track = next((c.chance for c in parts if c.name == "track"), OPEN_GROUND)
    n_fences = max(1, sum(c.is_fence for c in parts))
    fences = [i for i in chosen if parts[i].is_fence]
    if effect == "remove":
        return {i: (OPEN_GROUND, parts[i].key) for i in fences}
    if effect == "class":
        name = str(found.effect["fence_class"])
        total = profile.crossing[name]
        line = split_fenced_railway(total, track, n_fences=n_fences) if row["kind"] == "railway" else total
        return dict.fromkeys(fences, (line, f"crossing.{name}"))
    if effect == "bottom_out":
        return {i: (bottom_out_chance(found, profile, parts[i].chance), parts[i].key) for i in fences}
    if effect == "closure":
        closed = parse_hours(step.options.get("closed_hours")) or tuple(found.effect["hours"])
        traffic = {k: v for k, v in step.options.items() if k != "closed_hours"}
        return {i: (_road(row, profile, closed, **traffic), parts[i].key) for i in chosen}
    structure = structure_of(found, step.width_m, step.options)
    years = step.options.get("years_open")
    chance = structure_chance(structure, profile, years)
    key = f"structures.{structure.type}"
    if step.components is None:
        return {-1: (chance, key)}
    return {i: (split_fenced_railway(chance, track, n_fences=n_fences), key) for i in fences}


def corridor_chance(chances: Sequence[Estimate]) -> Estimate:
    """Lower bound of the chance to cross all barriers of one infrastructure corridor in one go.

    Parameters
    ----------
    chances : sequence of Estimate
        Of each barrier [0..1].

    Returns
    -------
    Estimate
        Their product [0..1].

    Examples
    --------
    >>> corridor_chance([Estimate(0.5, 0.5, 0.5), Estimate(0.1, 0.2, 0.4)]).as_tuple()
    (0.05, 0.1, 0.2)
    """
    chance: Estimate = parallel(*chances) if chances else OPEN_GROUND
    return chance
