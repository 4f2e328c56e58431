"""What a species says of the ground, and what is known of it in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError, SpeciesError
from permeability.core.estimate import Estimate


@dataclass(frozen=True)
class HabitatFactor:
    """One row of the resistance multipliers of a species.

    Parameters
    ----------
    factor : str
        What the ground is measured by: ``slope_deg``, ``water_km``, ``town_km``, ``herder_camp_km``,
        ``mine_km``, ``productivity_gc_m2_yr``, ``ndvi``, ``forest``, ``dune_sand``, ``snow_cm``.
    kind : {"linear", "step", "class"}
        ``linear``: multipliers between breakpoints are interpolated, and constant outside.
        ``step``: ``multipliers[i]`` holds below ``breakpoints[i]`` and the last one from the last breakpoint
        on (one more multiplier than breakpoints).  ``class``: one multiplier where the class is present.
    breakpoints : tuple of float
        Increasing, in the unit of the factor; empty for a class.
    multipliers, low, high : tuple of float
        Best, low and high multiplier of resistance; ``inf`` is absolute (no passage).
    season : str
        ``"all"``, or the season the row is about (``"warm"``, ``"snow"``).
    evidence, source : str
        Grade and source of the row.

    Examples
    --------
    >>> f = HabitatFactor("slope_deg", "linear", (5, 10), (1, 2), (1, 1), (1, 6), "all", "M-m", "a guess")
    >>> f.multiplier([0, 7.5, 40]).tolist()
    [1.0, 1.5, 2.0]
    """

    factor: str
    kind: str
    breakpoints: tuple[float, ...]
    multipliers: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    season: str
    evidence: str
    source: str

    def __post_init__(self) -> None:
        expected = {"linear": len(self.breakpoints), "step": len(self.breakpoints) + 1, "class": 1}
        if self.kind not in expected:
            raise SpeciesError(
                "S05",
                f"habitat factor kind {self.kind!r} is not known.",
                remedy="use 'linear', 'step' or 'class'",
            )
        sizes = {len(self.multipliers), len(self.low), len(self.high)}
        if sizes != {expected[self.kind]} or any(np.diff(self.breakpoints) <= 0):
            raise SpeciesError(
                "S05",
                f"habitat factor {self.factor!r} needs {expected[self.kind]} multipliers.",
                details={"breakpoints": self.breakpoints, "multipliers": self.multipliers},
                remedy="increasing breakpoints; linear: as many multipliers; step: one more; class: one",
            )
        ordered = all(0 < a <= b <= c for a, b, c in zip(self.low, self.multipliers, self.high))
        if not ordered:
            raise SpeciesError(
                "S05",
                f"habitat factor {self.factor!r}: 0 < low <= best <= high does not hold.",
                details={"low": self.low, "best": self.multipliers, "high": self.high},
                remedy="give multipliers above zero in order",
            )

    @property
    def uncertain(self) -> bool:
        """Whether any of its multipliers has a range."""
        return self.low != self.high

    def multipliers_at(self, which: str | float) -> NDArray[np.float64]:
        """The multipliers at ``"low"``, ``"best"``, ``"high"``, or all of them at one quantile 0..1.

        Drawn like every estimate (PERT); an infinite high end counts as the best value.

        >>> f = HabitatFactor("slope_deg", "linear", (5, 10), (1, 2), (1, 1), (1, 6), "all", "M-m", "a guess")
        >>> f.multipliers_at(0.0).tolist(), f.multipliers_at(1.0).tolist()
        ([1.0, 1.0], [1.0, 6.0])
        """
        table = {"low": self.low, "best": self.multipliers, "high": self.high}
        if isinstance(which, str):
            if which not in table:
                raise OptionError(
                    "O01", f"which = {which!r} is not known.", remedy="use 'low', 'best' or 'high'"
                )
            return np.asarray(table[which], dtype=np.float64)
        drawn = []
        for low, best, high in zip(self.low, self.multipliers, self.high):
            if np.isinf(low):
                drawn.append(low)
            elif np.isinf(best):
                drawn.append(best)
            else:
                drawn.append(float(Estimate(low, best, best if np.isinf(high) else high).draw(which)))
        return np.array(drawn)

    def multiplier(self, values: ArrayLike, which: str | float = "best") -> NDArray[np.float64]:
        """Resistance multiplier [dimensionless] at ``values`` of the factor; NaN stays NaN.

        For ``kind="class"`` the values are the share or presence (0 or 1) of the class in the cell; shares
        between are mixed by area.  ``which`` as for :meth:`multipliers_at`.
        """
        x = np.asarray(values, dtype=np.float64)
        multipliers = self.multipliers_at(which)
        if self.kind == "class":
            return np.asarray(1.0 + x * (multipliers[0] - 1.0), dtype=np.float64)
        if self.kind == "linear":
            return np.asarray(np.interp(x, self.breakpoints, multipliers), dtype=np.float64)
        return np.where(np.isnan(x), np.nan, multipliers[np.searchsorted(self.breakpoints, x, side="right")])


@dataclass(frozen=True)
class Fact:
    """One statement about a species, with its grade and source.

    Examples
    --------
    >>> from permeability.species import species
    >>> sorted({fact.evidence[0] for fact in species("khulan").facts})
    ['F', 'M']
    """

    topic: str
    text: str
    evidence: str
    source: str
