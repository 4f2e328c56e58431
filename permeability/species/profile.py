"""The profile of one species, and how single numbers of it are replaced."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from permeability.errors import OptionError, SpeciesError, nearest
from permeability.estimate import Estimate
from permeability.species.factors import Fact, HabitatFactor
from permeability.species.words import ABILITIES, BODY, MOVEMENT


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
        from permeability.species.parsing import profile_from_dict

        data = self.to_dict()
        known = self.estimates()
        plain = (
            [f"body.{k}" for k in ABILITIES]
            + ["group", "road.behaviour"]
            + [f"names.{k}" for k in self.names]
        )
        for key, value in _flatten(values, set(known)).items():
            target, _, part = key.rpartition(".")
            if key in known:
                table = (
                    dict(value)
                    if isinstance(value, Mapping)
                    else {"low": value, "best": value, "high": value}
                )
                _set(data, key, _changed(known[key].to_dict(), table, source, key))
            elif target in known and part in {"low", "best", "high", "evidence", "source"}:
                _set(data, target, _changed(_get(data, target), {part: value}, source, key))
            elif key in plain:
                _set(data, key, value)
            else:
                guess = nearest(key, [*known, *plain])
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
