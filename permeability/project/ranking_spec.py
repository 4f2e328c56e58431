"""What a project file asks about candidates, money and the choice, and the candidates built from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import geopandas as gpd
from pydantic import Field, model_validator

from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.landscape.landscape import Landscape
from permeability.planning.economics import RATES, YEARS
from permeability.project.scenario_spec import Table
from permeability.ranking.candidate_sites import (
    TOLERANCE_M,
    Candidate,
    candidates,
    corridor_candidates,
    drawn_candidates,
    structure_candidates,
)

OWN = "own"  # a treatment that is not in the catalogue
Three = float | tuple[float, float, float]


class CandidateSpec(Table):
    """``[candidates]`` or ``[[candidates]]``: what is ranked."""

    line: str | None = None
    lines: list[str] = []
    layer: str | None = None
    length_km: float = Field(default=10.0, gt=0)
    treatment: str = "remove"
    km: tuple[float, float] | None = None
    structures_km: list[float] = []
    corridor_km: float | None = Field(default=None, gt=0)
    each_side: bool = False
    width_m: float | None = Field(default=None, gt=0)
    tolerance_m: float = Field(default=TOLERANCE_M, gt=0)
    chance: Three | None = None
    cost_usd: Three | None = None

    @model_validator(mode="after")
    def _one_way(self) -> CandidateSpec:
        if sum((self.line is not None, bool(self.lines), self.layer is not None)) != 1:
            raise ValueError("give one of line, lines and layer")
        if self.corridor_km is not None and (self.structures_km or self.layer or self.each_side):
            raise ValueError("corridor_km goes with stretches of a line only")
        for name in ("chance", "cost_usd"):
            value = getattr(self, name)
            if isinstance(value, tuple) and not value[0] <= value[1] <= value[2]:
                raise ValueError(f"{name} needs low, best and high in this order")
        return self

    @property
    def all_lines(self) -> list[str]:
        """Lines that are named."""
        return [self.line] if self.line is not None else list(self.lines)


class PortfolioSpec(Table):
    """``[portfolio]``: how the sites for ``ranking.budget_usd`` are chosen."""

    must: list[str] = []
    must_not: list[str] = []
    spacing_km: float | None = Field(default=None, gt=0)
    per_stretch: list[tuple[str, float, float]] = []
    budgets: list[float] = []
    rule: Literal["weighted", "worst_of", "pareto"] = "weighted"
    view: Literal["circuit", "least_cost"] = "circuit"
    weights: dict[str, float] = {}


class CostBenefitSpec(Table):
    """``[cost_benefit]``: horizon, discount rates and what a collision costs."""

    years: float = Field(default=YEARS, gt=0)
    rates: list[float] = list(RATES)
    usd_per_collision: Three | None = None
    collisions_avoided: dict[str, float] = {}


def estimate(value: Three | None, unit: str = "") -> Estimate | None:
    """One number, or low / best / high, of a project file.

    >>> estimate((0.1, 0.5, 0.9)).best, estimate(None)
    (0.5, None)
    """
    if value is None:
        return None
    low, best, high = value if isinstance(value, tuple) else (value, value, value)
    return Estimate(low, best, high, unit, source="project file")


def build_candidates(
    land: Landscape, specs: Sequence[CandidateSpec], vector: Callable[[str], gpd.GeoDataFrame]
) -> list[Candidate]:
    """All candidates of a project on one landscape; ``vector`` reads a layer by its name.

    Raises
    ------
    OptionError
        O60 when two tables give the same candidate.
    """
    found = [c for spec in specs for c in _one(land, spec, vector)]
    ids = [c.id for c in found]
    twice = sorted({i for i in ids if ids.count(i) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise OptionError(
            "O60", "candidates share an id.", rows=twice[:20],
            remedy="let the tables of candidates not overlap, and give drawn sites their own ids",
        )  # fmt: skip
    return found


def _one(land: Landscape, spec: CandidateSpec, vector: Callable[[str], gpd.GeoDataFrame]) -> list[Candidate]:
    treatment = None if spec.treatment == OWN else spec.treatment
    chance, cost = estimate(spec.chance), estimate(spec.cost_usd, "USD")
    if spec.layer is not None:
        return drawn_candidates(
            land, vector(spec.layer), tolerance_m=spec.tolerance_m, treatment=treatment,
            length_m=spec.length_km * 1000, layer=spec.layer,
        )  # fmt: skip
    found: list[Candidate] = []
    for line in spec.all_lines:
        stretch: dict[str, Any] = {"length_m": spec.length_km * 1000, "km": spec.km}
        if spec.structures_km:
            found += structure_candidates(
                land, line, spec.structures_km, treatment=spec.treatment, width_m=spec.width_m, chance=chance, cost_usd=cost
            )  # fmt: skip
        elif spec.corridor_km is not None:
            found += corridor_candidates(
                land, line, distance_m=spec.corridor_km * 1000, treatment=spec.treatment, **stretch
            )
        else:
            found += candidates(
                land, line, treatment=treatment, width_m=spec.width_m, each_side=spec.each_side, chance=chance,
                cost_usd=cost, **stretch,
            )  # fmt: skip
    return found
