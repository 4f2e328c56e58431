"""Fence design to crossing chance: wire heights, barbs, strands, snow, and what the animal can do."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from permeability.barriers.passability.cost import checked, number, parallel
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Estimate
from permeability.species import SpeciesProfile

BOTTOMS: tuple[str, ...] = ("barbed", "smooth", "clipped", "goat_bar", "mesh")
"""How the lowest wire is made; ``clipped`` is a barbed wire clipped up to the next one."""


@dataclass(frozen=True)
class FenceDesign:
    """Wire heights and type of one fence line.

    Parameters
    ----------
    bottom_m, top_m : float
        Height of the lowest and the highest wire above ground [m].
    strands : int or None
        Number of wires; None (or mesh) leaves no way between the wires.
    bottom : str
        One of :data:`BOTTOMS`.
    label, fence_class, evidence, source : str
        Name, class in the profiles, grade and source of the design.

    Raises
    ------
    OptionError
        V06 when the heights or strands do not describe a fence.

    Examples
    --------
    >>> FenceDesign(bottom_m=0.2, top_m=1.2, strands=5).bottom
    'barbed'
    """

    bottom_m: float
    top_m: float
    strands: int | None = None
    bottom: str = "barbed"
    label: str = ""
    fence_class: str = "stock"
    evidence: str = "X"
    source: str = ""

    def __post_init__(self) -> None:
        check_choice("bottom", self.bottom, BOTTOMS)
        good = 0 <= self.bottom_m <= self.top_m <= 5 and self.top_m > 0
        if not good or (self.strands is not None and self.strands < 1):
            raise OptionError(
                "V06",
                f"a fence of {self.bottom_m:g}-{self.top_m:g} m with {self.strands} strands cannot be.",
                remedy="give heights in metres, bottom <= top <= 5, and at least one strand",
            )


@cache
def _rules() -> Mapping[str, Any]:
    text = (files("permeability") / "data" / "rules" / "fences.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def fence_designs() -> Mapping[str, FenceDesign]:
    """The shipped fence designs by name.

    >>> fence_designs()["wildlife_friendly"].bottom_m
    0.46
    """
    return MappingProxyType({name: FenceDesign(**row) for name, row in _rules()["designs"].items()})


def _rule(name: str) -> float:
    return float(_rules()["rule"][name]["best"])


def _ramp(x: Any, zero: Any, one: Any) -> Any:
    """0 up to ``zero``, 1 from ``one``, linear between."""
    return np.clip((np.asarray(x, dtype=np.float64) - zero) / (one - zero), 0.0, 1.0)


def fence_passage(
    bottom_m: Any,
    top_m: Any,
    shoulder_m: Any,
    *,
    bottom: str = "barbed",
    strands: Any = math.inf,
    snow_m: Any = 0.0,
    crawls: bool = False,
    jumps: bool = False,
    climbs: bool = False,
    jump_factor: float = 1.0,
) -> Any:
    """Share of animals of one body height that can get past a fence if they try.

    Three ways, taken as independent: under the lowest wire (free from 0.65 of the shoulder height, none below
    0.3, linear between; barbs halve it; snow is taken off), between wires (the same with the mean spacing
    ``top / strands``), over the top (free up to the shoulder height times the jump factor, none from 1.2
    times that); climbers go over the top of what is not too high.

    Parameters
    ----------
    bottom_m, top_m, shoulder_m, snow_m : float or array
        Heights above ground, shoulder height and snow depth [m].
    bottom : str
        One of :data:`BOTTOMS`.
    strands : float or array
        Number of wires; ``inf`` leaves no way between them.
    crawls, jumps, climbs : bool
        What the animal does.
    jump_factor : float
        Height jumped freely in shoulder heights (deer 1.5).

    Returns
    -------
    float or ndarray
        0..1, broadcast over the inputs.

    Notes
    -----
    Valid for heights of 0-3 m and shoulders of 0.3-2.5 m.  Rises with clearance; falls with strands, snow and
    barbs.  The shape is defensible, the numbers are expert defaults (M-m), the way between wires and the end
    of the jump ramp assumptions (M-l).  Equids and camels neither crawl nor jump: only gaps and drop-downs
    count for them.

    References
    ----------
    Jones et al. 2018, Wildlife Society Bulletin (46 cm bottom wire; goat-bars fail); MacDonald et al. 2022,
    Frontiers in Conservation Science, doi:10.3389/fcosc.2022.991765 (top wire 102 cm, except for female mule deer).

    Examples
    --------
    >>> fence_passage(0.46, 1.02, 0.70, bottom="smooth", crawls=True)
    1.0
    >>> fence_passage(0.46, 1.02, 0.70, bottom="smooth", crawls=True, snow_m=0.3)
    0.0
    """
    check_choice("bottom", bottom, BOTTOMS)
    low = checked("bottom_m", bottom_m, 0.0, 10.0, "m")
    top = checked("top_m", top_m, 0.0, 10.0, "m")
    height = checked("shoulder_m", shoulder_m, 0.1, 5.0, "m")
    snow = checked("snow_m", snow_m, 0.0, 20.0, "m")
    closed, free = _rule("closed_share"), _rule("free_share")
    barbs = {"barbed": _rule("barbed_factor"), "goat_bar": _rule("goat_bar_factor")}.get(bottom, 1.0)
    under: Any = _ramp((low - snow) / height, closed, free) * barbs if crawls else np.float64(0.0)
    between: Any = np.float64(0.0)
    if crawls and bottom != "mesh":
        spacing = top / np.asarray(strands, dtype=np.float64)
        between = _ramp(spacing / height, closed, free) * _rule("barbed_factor")
    over: Any = np.float64(0.0)
    if jumps:
        over = 1.0 - _ramp(top / (height * jump_factor), 1.0, _rule("jump_end_share"))
    if climbs:
        over = np.maximum(over, 1.0 - _ramp(top, _rule("climb_free_m"), _rule("climb_end_m")))
    passage = under + (1.0 - under) * (between + (1.0 - between) * over)
    return number(passage + 0.0 * (low + top + height + snow))


def _passage_estimate(design: FenceDesign, profile: SpeciesProfile, snow_m: Any) -> Estimate:
    """:func:`fence_passage` over the range of body heights and snow depths of a species."""

    def passage(shoulder_cm: float, snow: float) -> float:
        share = fence_passage(
            design.bottom_m,
            design.top_m,
            shoulder_cm / 100.0,
            bottom=design.bottom,
            strands=design.strands or math.inf,
            snow_m=snow,
            crawls=profile.crawls,
            jumps=profile.jumps,
            climbs=profile.climbs,
            jump_factor=profile.jump_factor,
        )
        return float(share)

    body = profile.shoulder_cm
    snow = snow_m.as_tuple() if isinstance(snow_m, Estimate) else (float(snow_m),) * 3
    best = passage(body.best, snow[1])
    corners = [passage(h, depth) for h in (body.low, body.high) for depth in (snow[0], snow[2])]
    source = f"fence-design rule ({design.label or 'heights'})"
    return Estimate(min(*corners, best), best, max(*corners, best), evidence="M-m", source=source)


def fence_chance(design: FenceDesign | str, profile: SpeciesProfile, snow_m: Any = 0.0) -> Estimate:
    """Crossing chance per encounter of one fence line of known design.

    The share of animals that can get past (:func:`fence_passage`) times the readiness to go through a fence
    at all, for which the profile's chance at a wildlife-friendly fence stands: what is observed where the
    wires are no obstacle.  It is about an intact fence; the profile's chance at a fence class also counts gates
    and broken wire, and is higher.

    Parameters
    ----------
    design : FenceDesign or str
        A design, or the name of a shipped one (:func:`fence_designs`).
    profile : SpeciesProfile
    snow_m : float or Estimate
        Snow depth at the fence [m].

    Returns
    -------
    Estimate

    Raises
    ------
    OptionError
        O01 for an unknown design name, V01 for depths out of range.

    Examples
    --------
    >>> from permeability.species import species
    >>> gazelle = species("mongolian_gazelle")
    >>> fence_chance("wildlife_friendly", gazelle).best > fence_chance("goat_bar", gazelle).best
    True
    >>> fence_chance("stock", species("khulan")).best
    0.0
    """
    if isinstance(design, str):
        check_choice("fence design", design, tuple(fence_designs()))
        design = fence_designs()[design]
    passage = _passage_estimate(design, profile, snow_m)
    chance: Estimate = parallel(passage, profile.crossing["rail_wildlife_friendly"])
    return chance


def snow_factor(fence_class: str, profile: SpeciesProfile, snow_m: Any) -> Estimate | None:
    """How much of its snow-free chance a fence class keeps under snow, or None where the rule says nothing.

    Taken from the typical design of the class: passage with snow over passage without.  None when the class
    has no typical design or the animal cannot pass it anyway, so that the table's value stands.
    """
    design = next((d for d in fence_designs().values() if d.fence_class == fence_class), None)
    if design is None:
        return None
    bare = _passage_estimate(design, profile, 0.0).best
    deep = snow_m.as_tuple() if isinstance(snow_m, Estimate) else (float(snow_m),) * 3
    if bare <= 0 or deep[2] == 0:
        return None
    kept = [min(1.0, _passage_estimate(design, profile, d).best / bare) for d in reversed(deep)]
    return Estimate(kept[0], kept[1], kept[2], evidence="M-m", source=f"snow at the typical {design.label}")
