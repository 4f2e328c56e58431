"""Gaps and crossing structures: from type, width, height, length and years open to a chance of use."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from permeability.barriers.passability.cost import checked, number
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Estimate, propagate
from permeability.species import SpeciesProfile

STRUCTURE_KINDS: tuple[str, ...] = ("gap", "under", "over")
"""At grade through a fence, under the line, over the line."""


@dataclass(frozen=True)
class Structure:
    """A place to cross: a gap in a fence, an underpass or bridge, an overpass.

    Parameters
    ----------
    kind : {"gap", "under", "over"}
    width_m : float
        Clear width for the animal, measured along the line [m].
    height_m : float, optional
        Clear height of an underpass [m]; None (not known) counts as too low for all but a box.
    length_m : float, optional
        Way through, measured across the line [m]; with the height it gives the openness.

    Raises
    ------
    OptionError
        O01 for an unknown kind, V07 for sizes that are not above zero.

    Examples
    --------
    >>> Structure("under", width_m=20, height_m=4, length_m=40).openness_m  # 20 x 4 / 40
    2.0
    """

    kind: str
    width_m: float
    height_m: float | None = None
    length_m: float | None = None

    def __post_init__(self) -> None:
        check_choice("structure kind", self.kind, STRUCTURE_KINDS)
        sizes = [s for s in (self.width_m, self.height_m, self.length_m) if s is not None]
        if not all(s > 0 for s in sizes):
            raise OptionError(
                "V07",
                f"a structure of width {self.width_m} m cannot be.",
                remedy="give sizes above zero in metres",
            )

    @property
    def openness_m(self) -> float | None:
        """Width x height / length [m], or None where a size is not known."""
        if self.height_m is None or self.length_m is None:
            return None
        return self.width_m * self.height_m / self.length_m

    @property
    def type(self) -> str:
        """The row of the table of crossing structures that it falls in.

        >>> Structure("under", 12.0, 3.5).type, Structure("under", 11.9, 3.5).type
        ('underpass_12_100m', 'box')
        """
        for name, row in structure_rules()["types"].items():
            if row["kind"] == self.kind and self._fits(row):
                return str(name)
        return "gap_50_500m"  # narrower gaps share its chance in proportion to their width

    def _fits(self, row: Mapping[str, Any]) -> bool:
        tall_enough = "min_height_m" not in row or (self.height_m or 0.0) >= row["min_height_m"]
        return self.width_m >= row.get("min_width_m", 0.0) and tall_enough


@cache
def structure_rules() -> Mapping[str, Any]:
    """The shipped rule file on structures: types, openness, learning, chances."""
    text = (files("permeability") / "data" / "rules" / "structures.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _learning(years_open: Any, years_to_learn: Any) -> Any:
    start = float(structure_rules()["learning"]["start"])
    years = checked("years_open", years_open, 0.0, np.inf, "years")
    full = checked("years_to_learn", years_to_learn, 0.0, np.inf, "years")
    return number(start + (1.0 - start) * np.minimum(years / full, 1.0))


def learning_factor(years_open: Any, years_to_learn: Any = None) -> Any:
    """Share of its full chance of a structure after some years: one third at first, all after 1-3 years.

    Parameters
    ----------
    years_open : float, array or Estimate
        Years since opening [years].
    years_to_learn : float, array or Estimate, optional
        Years to full use; the rule file's 2 (1-3) when not given, which makes the result an Estimate.

    Returns
    -------
    float, ndarray or Estimate
        1/3 .. 1, linear in time.

    References
    ----------
    Jones et al. 2018 Wildl Soc Bull and Xia et al. 2007 Oryx (use rises over the first years); the figures
    are expert defaults (M-m).

    Examples
    --------
    >>> [round(learning_factor(y, 2.0), 2) for y in (0, 1, 2, 9)]
    [0.33, 0.67, 1.0, 1.0]
    """
    if years_to_learn is None:
        years_to_learn = Estimate.from_dict(structure_rules()["learning"]["years"], unit="years")
    return propagate(
        _learning, increasing={"years_open": years_open}, decreasing={"years_to_learn": years_to_learn}
    )


def structure_chance(
    structure: Structure, profile: SpeciesProfile, years_open: float | None = None
) -> Estimate:
    """Chance that an animal that reaches the mouth of a structure goes through.

    The profile's chance for the type of structure, cut down where an underpass is less open than the animal
    group wants (in proportion to the openness), and while the animals learn.  Of a gap it rises with the width without a
    jump: in proportion below 50 m, by the logarithm of the width from the class of 50 m to that of 500 m.

    Parameters
    ----------
    structure : Structure
    profile : SpeciesProfile
    years_open : float, optional
        Years since it opened [years]; None for a structure the animals have learnt.

    Returns
    -------
    Estimate
        0..1; grade and source from the profile.

    Notes
    -----
    Valid for a structure with fences that lead to it and no people in it; livestock, traffic through it and
    missing funnel fences make it worse.  In the graph it holds over the structure's own width.

    Examples
    --------
    >>> from permeability.species import species
    >>> khulan = species("khulan")
    >>> structure_chance(Structure("gap", 500.0), khulan).best
    0.3
    >>> structure_chance(Structure("under", 8.0, 3.0), khulan).best
    0.01
    >>> [round(structure_chance(Structure("gap", w), khulan).best, 3) for w in (5, 50, 158, 499.9, 500)]
    [0.015, 0.15, 0.225, 0.3, 0.3]
    """
    chance = (
        _gap_chance(structure.width_m, profile)
        if structure.kind == "gap"
        else profile.structures[structure.type]
    )
    factor = 1.0 if structure.kind == "gap" else _openness_factor(structure, profile)
    if factor < 1.0:
        chance = chance.map(lambda p: p * factor)
    if years_open is not None:
        learnt = learning_factor(years_open)
        chance = chance.with_values(*(p * f for p, f in zip(chance.as_tuple(), learnt.as_tuple())))
    return chance


def _gap_chance(width_m: float, profile: SpeciesProfile) -> Estimate:
    """Chance of a gap by its width."""
    types = structure_rules()["types"]
    narrow, wide = profile.structures["gap_50_500m"], profile.structures["gap_500m"]
    low, high = float(types["gap_50_500m"]["min_width_m"]), float(types["gap_500m"]["min_width_m"])
    if width_m >= high:
        return wide
    if width_m <= low:
        return narrow.map(lambda p: p * width_m / low) if width_m < low else narrow
    share = float(np.log(width_m / low) / np.log(high / low))
    both = zip(narrow.as_tuple(), wide.as_tuple())
    return narrow.with_values(*(a + share * (b - a) for a, b in both))


def _openness_factor(structure: Structure, profile: SpeciesProfile) -> float:
    """1 from the openness the group wants, less in proportion below; 1 where it is not known."""
    required = float(structure_rules()["openness"][profile.group]["required_m"])
    openness = structure.openness_m
    if structure.kind != "under" or openness is None or required <= 0:
        return 1.0
    return min(1.0, openness / required)
