"""What a project file asks about candidates, money and the choice, and the candidates built from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import geopandas as gpd
from pydantic import Field, model_validator

from permeability.core.errors import BarrierError, OptionError
from permeability.core.estimate import Estimate
from permeability.landscape.landscape import Landscape
from permeability.planning.economics import RATES, YEARS
from permeability.project.scenario_spec import Table
from permeability.ranking.candidate_sites import (
    TOLERANCE_M,
    Candidate,
    candidates,
    corridor_candidates,
    structure_candidates,
)
from permeability.ranking.drawn_sites import drawn_candidates

OWN = "own"  # a treatment that is not in the catalogue
Three = float | tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]
MOST_USD = 1e15  # more than there is
MOST_BUDGETS = 1000
NotNegative = Annotated[float, Field(ge=0)]


class CandidateSpec(Table):
    """``[candidates]`` or ``[[candidates]]``: what is ranked."""

    line: str | None = None
    lines: list[str] | Literal["all"] = []
    kind: Literal["fence", "road", "railway"] | None = None
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
        given = (self.line is not None, bool(self.lines), self.kind is not None, self.layer is not None)
        if sum(given) != 1:
            raise ValueError("give one of line, lines, kind and layer")
        if self.km is not None and not self.km[0] < self.km[1]:
            raise ValueError("km needs the lower kilometre first")
        if self.structures_km and self.line is None and len(self.lines) != 1:
            raise ValueError("structures_km goes with one line")
        if self.corridor_km is not None and (self.structures_km or self.layer or self.each_side):
            raise ValueError("corridor_km goes with stretches of a line only")
        for name in ("chance", "cost_usd"):
            value = getattr(self, name)
            if isinstance(value, tuple) and not value[0] <= value[1] <= value[2]:
                raise ValueError(f"{name} needs low, best and high in this order")
            low, high = _ends(value)
            if low < 0 or (name == "chance" and high > 1):
                raise ValueError(
                    f"{name} = {value!r} is no {'chance from 0 to 1' if name == 'chance' else 'cost'}"
                )
        return self

    @property
    def all_lines(self) -> list[str]:
        """Lines that are named."""
        if self.line is not None:
            return [self.line]
        return [] if self.lines == "all" else list(self.lines)

    @property
    def every_line(self) -> bool:
        """Whether all lines, or all of a kind, are meant."""
        return self.lines == "all" or self.kind is not None


def _ends(value: Three | None) -> tuple[float, float]:
    """Lowest and highest of a number or three."""
    if value is None:
        return 0.0, 0.0
    return (value[0], value[2]) if isinstance(value, tuple) else (value, value)


class PortfolioSpec(Table):
    """``[portfolio]``: how the sites for ``ranking.budget_usd`` are chosen."""

    must: list[str] = []
    must_not: list[str] = []
    spacing_km: float | None = Field(default=None, gt=0)
    per_stretch: list[tuple[str, float, float]] = []
    budgets: list[Annotated[float, Field(gt=0, le=MOST_USD)]] = Field(default=[], max_length=MOST_BUDGETS)
    rule: Literal["weighted", "worst_of", "pareto"] = "weighted"
    view: Literal["circuit", "least_cost"] = "circuit"
    weights: dict[str, NotNegative] = {}

    @model_validator(mode="after")
    def _some_weight(self) -> PortfolioSpec:
        if self.weights and not any(self.weights.values()):
            raise ValueError("weights are all 0: nobody would count")
        return self


class CostBenefitSpec(Table):
    """``[cost_benefit]``: horizon, discount rates and what a collision costs."""

    years: float = Field(default=YEARS, gt=0, le=1000)
    rates: list[NotNegative] = list(RATES)
    usd_per_collision: Three | None = None
    collisions_avoided: dict[str, float] = {}

    @model_validator(mode="after")
    def _in_order(self) -> CostBenefitSpec:
        value = self.usd_per_collision
        if isinstance(value, tuple) and not value[0] <= value[1] <= value[2]:
            raise ValueError("usd_per_collision needs low, best and high in this order")
        if _ends(value)[0] < 0:
            raise ValueError(f"usd_per_collision = {value!r} is no cost")
        return self


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
    twice = sorted(i for i, n in Counter(c.id for c in found).items() if n > 1)
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
    if spec.every_line:
        return _every(land, spec, treatment, chance, cost)
    return [c for line in spec.all_lines for c in _of_line(land, spec, line, treatment, chance, cost)]


def _of_line(
    land: Landscape, spec: CandidateSpec, line: str, treatment: str | None, chance: Estimate | None, cost: Estimate | None
) -> list[Candidate]:  # fmt: skip
    """Candidates of one line."""
    stretch: dict[str, Any] = {"length_m": spec.length_km * 1000, "km": spec.km}
    if spec.structures_km:
        return structure_candidates(
            land, line, spec.structures_km, treatment=spec.treatment, width_m=spec.width_m, chance=chance, cost_usd=cost
        )  # fmt: skip
    if spec.corridor_km is not None:
        return corridor_candidates(
            land, line, distance_m=spec.corridor_km * 1000, treatment=spec.treatment, **stretch
        )
    return candidates(
        land, line, treatment=treatment, width_m=spec.width_m, each_side=spec.each_side, chance=chance, cost_usd=cost,
        **stretch,
    )  # fmt: skip


def _every(
    land: Landscape,
    spec: CandidateSpec,
    treatment: str | None,
    chance: Estimate | None,
    cost: Estimate | None,
) -> list[Candidate]:
    """Candidates of all standing lines (of a kind) that the treatment could change."""
    table, found = land.barriers.table[land.standing], []
    rows = table if spec.kind is None else table[table["kind"] == spec.kind]
    for line in dict.fromkeys(rows["line"]):
        try:
            found += _of_line(land, spec, str(line), treatment, chance, cost)
        except BarrierError as error:
            if error.code not in ("B09", "T04"):  # nothing here that the treatment could change
                raise
    if not found:
        raise BarrierError(
            "B09", f"there is no standing {spec.kind or 'line'} that {spec.treatment!r} could change.",
            remedy="name another kind or treatment, or take the candidates out",
        )  # fmt: skip
    return found
