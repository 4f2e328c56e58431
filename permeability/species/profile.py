"""The profile of one species, and how single numbers of it are replaced."""

from __future__ import annotations

import copy
import copyreg
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from permeability.core.errors import OptionError, SpeciesError, nearest
from permeability.core.estimate import Estimate
from permeability.species.factors import Fact, HabitatFactor
from permeability.species.vocabulary import (
    ABILITIES,
    BARRIER_CLASSES,
    BODY,
    FACT_TOPICS,
    GROUPS,
    MOVEMENT,
    ROAD_BEHAVIOURS,
    TRACE_CLASSES,
)


def _read_only(values: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


copyreg.pickle(MappingProxyType, lambda view: (_read_only, (dict(view),)))  # profiles go to other processes


@dataclass(frozen=True)
class SpeciesProfile:
    """All that is known of one species for movement across barriers.

    Built by :func:`species` or :func:`profile_from_dict`; lengths are in the unit of the field name, and in
    metres from the ``*_m`` properties.

    Examples
    --------
    >>> from permeability.species import species
    >>> khulan = species("khulan")
    >>> khulan.scientific, khulan.jumps, khulan.crawls
    ('Equus hemionus', False, False)
    >>> khulan.override({"movement.trace_km": {"low": 4, "best": 8, "high": 16}}, source="own tracks").trace_length_m.best
    8000.0
    """

    id: str
    scientific: str
    names: Mapping[str, str]
    group: str
    cami: bool
    analogy: str
    shoulder_cm: Estimate
    mass_kg: Estimate
    crawls: bool
    jumps: bool
    climbs: bool
    jump_factor: float
    crossing: Mapping[str, Estimate]
    road_p0: Estimate
    road_gap_s: Estimate
    road_behaviour: str
    road_avoidance_km: Estimate | None
    structures: Mapping[str, Estimate]
    trace_km: Estimate
    trace_by_class: Mapping[str, Estimate]
    crossing_cost_km: Mapping[str, Estimate]
    budget_km: Estimate
    dispersal_km: Estimate
    annual_range_km2: Estimate
    daily_km: Estimate
    habitat: tuple[HabitatFactor, ...]
    facts: tuple[Fact, ...]
    knowledge_gaps: tuple[str, ...]
    range_states: tuple[str, ...]
    landscapes: tuple[str, ...]
    data: Mapping[str, Any] = field(repr=False, compare=False)

    def name(self, language: str = "en") -> str:
        """Name in English (``en``), Mongolian (``mn``) or Russian (``ru``); English where there is none.

        >>> from permeability.species import species
        >>> species("khulan").name("mn")
        'Хулан'
        """
        return self.names.get(language) or self.names["en"]

    @property
    def trace_length_m(self) -> Estimate:
        """Mean distance worked along a barrier per failed try [m]."""
        return self.trace_km.map(_to_metres, unit="m")

    def trace_of(self, barrier_class: str) -> tuple[Estimate, str]:
        """Trace length at one class of barriers [m] and its key among the unknown numbers.

        The species' own trace length and ``trace_length`` where the class has none.

        >>> from permeability.species import species
        >>> khulan = species("khulan")
        >>> khulan.trace_of("stock")[0].best, khulan.trace_of("border")[0].best
        (600.0, 16000.0)
        >>> khulan.trace_of("stock")[1]
        'trace_length.stock'
        """
        own = self.trace_by_class.get(barrier_class)
        if own is None:
            return self.trace_length_m, "trace_length"
        return own.map(_to_metres, unit="m"), f"trace_length.{barrier_class}"

    def cost_of(self, barrier_class: str) -> Estimate | None:
        """Crossing cost of one class of barriers [m of open ground] where it was measured directly, else None."""
        own = self.crossing_cost_km.get(barrier_class)
        return None if own is None else own.map(_to_metres, unit="m")

    @property
    def budget_m(self) -> Estimate:
        """Cost distance that counts as reachable [m of open ground]."""
        return self.budget_km.map(_to_metres, unit="m")

    @property
    def dispersal_m(self) -> Estimate:
        """Mean of the dispersal kernel [m]."""
        return self.dispersal_km.map(_to_metres, unit="m")

    def estimates(self) -> dict[str, Estimate]:
        """Every number of the profile by its dotted key, as used by :meth:`override`.

        >>> from permeability.species import species
        >>> species("khulan").estimates()["crossing.rail_unfenced"].best
        0.5
        """
        found = {f"body.{k}": getattr(self, k) for k in BODY}
        found |= {f"movement.{k}": getattr(self, k) for k in MOVEMENT}
        found |= {f"crossing.{k}": v for k, v in self.crossing.items()}
        found |= {"road.p0": self.road_p0, "road.gap_s": self.road_gap_s}
        if self.road_avoidance_km is not None:
            found["road.avoidance_km"] = self.road_avoidance_km
        found |= {f"trace_km.{k}": v for k, v in self.trace_by_class.items()}
        found |= {f"crossing_cost_km.{k}": v for k, v in self.crossing_cost_km.items()}
        return found | {f"structures.{k}": v for k, v in self.structures.items()}

    def to_dict(self) -> dict[str, Any]:
        """The profile as plain values (what a TOML file holds), with all defaults written out."""
        return copy.deepcopy(dict(self.data))

    def override(self, values: Mapping[str, Any], *, source: str = "project file") -> SpeciesProfile:
        """A profile with single numbers replaced.

        Parameters
        ----------
        values : mapping
            Dotted key -> value, or nested tables.  ``"crossing.rail_unfenced.best": 0.3`` changes one of the
            three values; ``"crossing.rail_unfenced": 0.3`` states the number as exact; a table with low, best
            and high replaces all three.
        source : str
            Source written to the changed numbers, whose grade becomes M-l unless ``evidence`` is given.

        Raises
        ------
        SpeciesError
            S02 for a key that is not in the profile (with the nearest), S03 for a value that does not fit.

        Examples
        --------
        >>> from permeability.species import species
        >>> mine = species("khulan").override({"crossing.rail_unfenced.best": 0.3})
        >>> mine.crossing["rail_unfenced"].as_tuple()
        (0.1, 0.3, 0.9)
        """

        data = self.to_dict()
        known = self.estimates()
        plain = (
            [f"body.{k}" for k in ABILITIES]
            + ["group", "road.behaviour"]
            + [f"names.{k}" for k in self.names]
        )
        for key, value in _flatten(values, set(known) | set(_OPTIONAL)).items():
            target, _, part = key.rpartition(".")
            if key in known or key in _OPTIONAL:
                table = (
                    dict(value)
                    if isinstance(value, Mapping)
                    else {"low": value, "best": value, "high": value}
                )
                _set(data, key, _changed(known[key].to_dict() if key in known else _NEW, table, source, key))
            elif target in known and part in {"low", "best", "high", "evidence", "source"}:
                _set(data, target, _changed(_get(data, target), {part: value}, source, key))
            elif key in plain:
                _set(data, key, value)
            else:
                guess = nearest(key, [*known, *_OPTIONAL, *plain])
                raise SpeciesError(
                    "S02",
                    f"{key!r} is not a number of species {self.id!r}.",
                    remedy=f"did you mean {guess!r}?"
                    if guess
                    else "see `permeability species show` for the keys",
                )
        return profile_from_dict(data)


def _to_metres(km: float) -> float:
    return km * 1000.0


def _flatten(values: Mapping[str, Any], known: set[str], prefix: str = "") -> dict[str, Any]:
    """Nested tables to dotted keys, stopping at the keys of whole estimates."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and dotted not in known:
            flat |= _flatten(value, known, f"{dotted}.")
        else:
            flat[dotted] = value
    return flat


def _get(data: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        data = data[part]
    return data


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        data = data.setdefault(part, {})
    data[last] = value


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], source: str, key: str) -> dict[str, Any]:
    """An estimate table with new values, checked, and marked as the user's."""
    marks: dict[str, Any] = (
        {} if set(new) <= {"evidence", "source"} else {"evidence": "M-l", "source": source}
    )
    merged = {**old, **marks, **new}
    if merged.get("low") == 0:
        merged.pop("spread", None)
    try:
        return Estimate.from_dict(merged).to_dict()
    except OptionError as error:
        raise SpeciesError(
            "S03",
            f"{key!r} does not fit: {error.what}",
            details={"low, best, high": ", ".join(str(merged.get(k)) for k in ("low", "best", "high"))},
            remedy="give low, best and high together, in order",
        ) from error


_TOP = (
    *("id", "group", "cami", "names", "body", "movement", "crossing", "road", "structures", "habitat"),
    *("habitat_from", "habitat_drop", "facts", "knowledge_gaps", "range_states", "landscapes", "analogy"),
    *("trace_km", "crossing_cost_km"),
)
_OPTIONAL = (
    *(f"trace_km.{k}" for k in TRACE_CLASSES),
    *(f"crossing_cost_km.{k}" for k in BARRIER_CLASSES),
)
_NEW: Mapping[str, Any] = MappingProxyType({"unit": "km", "spread": "log"})
_ROW_KEYS = (
    *("factor", "kind", "breakpoints", "multipliers", "low", "high", "range_factor", "season"),
    *("evidence", "source"),
)
_LOG_KEYS = {"trace_km", "budget_km", "dispersal_km", "annual_range_km2", "daily_km"}
_UNITS = {
    "shoulder_cm": "cm",
    "mass_kg": "kg",
    "annual_range_km2": "km2",
    "gap_s": "s",
    "avoidance_km": "km",
} | dict.fromkeys(("trace_km", "budget_km", "dispersal_km", "daily_km"), "km")


def data_folder(*parts: str) -> Any:
    """A folder or file of the package's data."""
    folder = files("permeability") / "data"
    for part in parts:
        folder = folder / part
    return folder


@cache
def _structure_table() -> Mapping[str, Mapping[str, Any]]:
    """Group -> structure -> estimate table, from ``data/rules/structures.toml``."""
    text = data_folder("rules", "structures.toml").read_text(encoding="utf-8")
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)["chance"]
    return rows


@cache
def raw_profile(identifier: str) -> Mapping[str, Any]:
    """The TOML of a shipped profile as it is written."""
    return tomllib.loads(data_folder("species", f"{identifier}.toml").read_text(encoding="utf-8"))


def profile_from_dict(data: Mapping[str, Any]) -> SpeciesProfile:
    """A profile from plain values (a parsed TOML table); unknown keys are refused.

    Structures that are not given come from the table of the animal group; habitat rows that are not given,
    from the species named in ``habitat_from``, marked M-l "by analogy".

    Parameters
    ----------
    data : mapping

    Returns
    -------
    SpeciesProfile
        Checked in every number.

    Raises
    ------
    SpeciesError
        S02 for unknown keys, S03 for numbers out of order, S04 for missing ones, S05 for habitat rows.

    Examples
    --------
    >>> from permeability.species import species
    >>> profile_from_dict(species("khulan").to_dict()) == species("khulan")
    True
    """
    whole = copy.deepcopy(dict(data))
    identifier = str(whole.get("id", "?"))
    _refuse_unknown(whole, _TOP, identifier, "")
    for key in ("id", "group", "names", "body", "movement", "crossing", "road"):
        if key not in whole:
            raise SpeciesError("S04", f"species {identifier!r} lacks {key!r}.", remedy="complete the profile")
    body, movement, road = whole["body"], whole["movement"], whole["road"]
    _refuse_unknown(body, [*BODY, *ABILITIES], identifier, "body.")
    _refuse_unknown(movement, MOVEMENT, identifier, "movement.")
    _refuse_unknown(whole["crossing"], BARRIER_CLASSES, identifier, "crossing.")
    _refuse_unknown(whole.get("trace_km", {}), TRACE_CLASSES, identifier, "trace_km.")
    _refuse_unknown(whole.get("crossing_cost_km", {}), BARRIER_CLASSES, identifier, "crossing_cost_km.")
    _refuse_unknown(road, ["p0", "gap_s", "avoidance_km", "behaviour"], identifier, "road.")
    _refuse_choice("group", whole["group"], GROUPS, identifier)
    _refuse_choice("road.behaviour", road.get("behaviour", "unknown"), ROAD_BEHAVIOURS, identifier)
    group_table = _structure_table()[whole["group"]]
    _refuse_unknown(whole.get("structures", {}), list(group_table), identifier, "structures.")
    whole["structures"] = {**group_table, **whole.get("structures", {})}
    whole["habitat"] = _habitat_rows(whole)
    whole.pop("habitat_from", None)
    whole.pop("habitat_drop", None)
    chances = {f"crossing.{k}": whole["crossing"].get(k) for k in BARRIER_CLASSES}
    chances |= {f"structures.{k}": v for k, v in whole["structures"].items()} | {"road.p0": road.get("p0")}
    crossing = {key: _estimate(key, table, identifier, chance=True) for key, table in chances.items()}

    def number(section: Mapping[str, Any], name: str, key: str) -> Estimate:
        return _estimate(f"{name}.{key}", section.get(key), identifier)

    def by_class(name: str) -> Mapping[str, Estimate]:
        return MappingProxyType(
            {k: _estimate(f"{name}.{k}", v, identifier, unit="km") for k, v in whole.get(name, {}).items()}
        )

    return SpeciesProfile(
        id=identifier,
        scientific=str(whole["names"].get("scientific", "")),
        names=MappingProxyType({k: str(v) for k, v in whole["names"].items()}),
        group=whole["group"],
        cami=bool(whole.get("cami", False)),
        analogy=str(whole.get("analogy", "")),
        shoulder_cm=number(body, "body", "shoulder_cm"),
        mass_kg=number(body, "body", "mass_kg"),
        crawls=bool(body.get("crawls", False)),
        jumps=bool(body.get("jumps", False)),
        climbs=bool(body.get("climbs", False)),
        jump_factor=float(body.get("jump_factor", 1.0)),
        crossing=MappingProxyType({k: crossing[f"crossing.{k}"] for k in BARRIER_CLASSES}),
        road_p0=crossing["road.p0"],
        road_gap_s=number(road, "road", "gap_s"),
        road_behaviour=str(road.get("behaviour", "unknown")),
        road_avoidance_km=number(road, "road", "avoidance_km") if "avoidance_km" in road else None,
        structures=MappingProxyType({k: crossing[f"structures.{k}"] for k in group_table}),
        trace_km=number(movement, "movement", "trace_km"),
        trace_by_class=by_class("trace_km"),
        crossing_cost_km=by_class("crossing_cost_km"),
        budget_km=number(movement, "movement", "budget_km"),
        dispersal_km=number(movement, "movement", "dispersal_km"),
        annual_range_km2=number(movement, "movement", "annual_range_km2"),
        daily_km=number(movement, "movement", "daily_km"),
        habitat=tuple(_factor(row, identifier) for row in whole["habitat"]),
        facts=tuple(_fact(row, identifier) for row in whole.get("facts", [])),
        knowledge_gaps=tuple(whole.get("knowledge_gaps", ())),
        range_states=tuple(whole.get("range_states", ())),
        landscapes=tuple(whole.get("landscapes", ())),
        data=MappingProxyType(whole),
    )


def _refuse_unknown(table: Mapping[str, Any], known: Any, identifier: str, prefix: str) -> None:
    for key in table:
        if key not in known:
            guess = nearest(key, known)
            raise SpeciesError(
                "S02",
                f"{prefix}{key} is not a key of a species profile (species {identifier!r}).",
                details={"valid": ", ".join(known)},
                remedy=f"did you mean {prefix}{guess}?" if guess else "use one of the valid keys",
            )


def _refuse_choice(key: str, value: Any, valid: tuple[str, ...], identifier: str) -> None:
    if value not in valid:
        raise SpeciesError(
            "S03",
            f"{key} = {value!r} of species {identifier!r} is not known.",
            remedy=f"use one of {', '.join(valid)}",
        )


def _estimate(key: str, table: Any, identifier: str, *, chance: bool = False, unit: str = "") -> Estimate:
    """The estimate of one key, refused with the key and the species named; with a unit, known to a factor."""
    if not isinstance(table, Mapping):
        raise SpeciesError(
            "S04",
            f"species {identifier!r} has no table for {key}.",
            remedy=f"give {key} = {{ low = ..., best = ..., high = ..., evidence = ..., source = ... }}",
        )
    name = key.rpartition(".")[2]
    log = bool(unit) or name in _LOG_KEYS
    defaults = {"unit": unit or _UNITS.get(name, ""), "spread": "log" if log else "pert"}
    try:
        estimate = Estimate.from_dict(table, **defaults)
    except OptionError as error:
        raise SpeciesError(
            "S03",
            f"{key} of species {identifier!r}: {error.what}",
            details=error.details,
            remedy=error.remedy,
        ) from error
    top = 1.0 if chance else math.inf
    if estimate.low < 0 or estimate.high > top:
        raise SpeciesError(
            "S03",
            f"{key} of species {identifier!r} goes beyond 0..{top:g}.",
            details={"low, best, high": estimate.as_tuple()},
            remedy="a chance is between 0 and 1; other numbers are not negative",
        )
    return estimate


def _habitat_rows(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Own habitat rows, and those of the species it is likened to for the factors it has no row for."""
    own = [dict(row) for row in whole.get("habitat", [])]
    model = whole.get("habitat_from")
    if model is None:
        return own
    taken = {row.get("factor") for row in own} | set(whole.get("habitat_drop", ()))
    likened = []
    for row in raw_profile(str(model))["habitat"]:
        if row["factor"] not in taken:
            likened.append({**row, "evidence": "M-l", "source": f"by analogy with {model}: {row['source']}"})
    return own + likened


def _factor(row: Mapping[str, Any], identifier: str) -> HabitatFactor:
    """A habitat row; ``range_factor`` r stands for low = x / r and high = x r, never below 1.

    A multiplier of 1 is the ground the others are measured against and has no range.
    """
    _refuse_unknown(row, _ROW_KEYS, identifier, "habitat.")
    best = tuple(float(v) for v in row.get("multipliers", ()))
    spread = float(row.get("range_factor", 1.0))
    if not 1 <= spread < math.inf:
        raise SpeciesError(
            "S03", f"range_factor of species {identifier!r} is {spread:g}.", rows=[str(row.get("factor", ""))],
            remedy="give 1 or more: low is best / range_factor, high is best x range_factor",
        )  # fmt: skip
    low = tuple(1.0 if v == 1 else max(1.0, v / spread) if v > 1 else v / spread for v in best)
    high = tuple(1.0 if v == 1 else v * spread for v in best)
    return HabitatFactor(
        factor=str(row.get("factor", "")),
        kind=str(row.get("kind", "")),
        breakpoints=tuple(float(v) for v in row.get("breakpoints", ())),
        multipliers=best,
        low=tuple(float(v) for v in row.get("low", low)),
        high=tuple(float(v) for v in row.get("high", high)),
        season=str(row.get("season", "all")),
        evidence=str(row.get("evidence", "X")),
        source=str(row.get("source", "")),
    )


def _fact(row: Mapping[str, Any], identifier: str) -> Fact:
    _refuse_unknown(row, ["topic", "text", "evidence", "source"], identifier, "facts.")
    _refuse_choice("facts.topic", row.get("topic"), FACT_TOPICS, identifier)
    return Fact(
        str(row["topic"]), str(row["text"]), str(row.get("evidence", "X")), str(row.get("source", ""))
    )
