"""The tables of a project file: a key that is not known is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, field_validator, model_validator

from permeability.project.alignment_spec import AlignmentSpec
from permeability.project.column_mapping import OwnColumns
from permeability.project.movement_spec import MovementSpec
from permeability.project.ranking_spec import MOST_USD, CandidateSpec, CostBenefitSpec, PortfolioSpec
from permeability.project.scenario_spec import (
    ComparisonSpec,
    FileName,
    ScenarioSpec,
    Table,
)
from permeability.project.tracks_spec import TracksSpec
from permeability.ranking.unknown_numbers import KINDS, LANDSCAPES, VARY

__all__ = ["ProjectSpec"]


MOST_DRAWS = 1_000_000
MOST_SEED = 2**63 - 1


class About(Table):
    """``[project]``: what the run is about."""

    name: str
    statement: str = ""
    year: int | None = None
    season: str | None = None
    area: str = ""
    author: str = ""
    office: str = ""
    date: str = ""


class GridSpec(Table):
    """``[grid]``: where the cells are."""

    crs: str
    cell_size_m: float = Field(ge=0)
    bounds: tuple[float, float, float, float]
    neighbours: Literal[4, 8, 16] = 8
    like: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _place_of_a_layer(cls, value: Any) -> Any:
        """``like`` takes the place of coordinate system and bounds; cells of another size may be asked for on its area."""
        if not isinstance(value, dict):
            return value
        if value.get("like") is None:
            if value.get("cell_size_m") == 0:
                raise ValueError("cell_size_m must be greater than 0")
            return value
        if {"crs", "bounds"} & set(value):
            raise ValueError(
                "like takes coordinate system and bounds from the layer: leave crs and bounds out"
            )
        return {"crs": "", "cell_size_m": 0.0, "bounds": (0.0, 0.0, 0.0, 0.0)} | value


class LayerSpec(OwnColumns):
    """``[layers.NAME]``: one file, table (of rasters: variable) or band."""

    path: FileName
    table: str | None = None
    where: dict[str, Any] = {}
    band: int = 1
    resampling: Literal["nearest", "bilinear", "cubic", "average", "mode", "max", "min"] | None = None
    scale: float = 1.0
    nodata: float | None = None


class MaskSpec(Table):
    """``[mask]``: which cells belong to the landscape."""

    inside: list[str] = []
    outside: list[str] = []


class FactorSpec(Table):
    """``[factors.NAME]``: where a habitat factor comes from."""

    derive: Literal["slope", "distance", "class", "value"]
    layers: list[str]
    classes: list[int] = []
    scale: float = Field(default=1.0, gt=0)
    no_value: Literal["worst", "outside"] | Annotated[float, Field(gt=0)] = "worst"


class HabitatSpec(Table):
    """``[habitat]``: a suitability (0..1) or resistance raster, or classes of land cover with multipliers, in place of
    factors."""

    suitability: str | None = None
    resistance: str | None = None
    landcover: str | None = None
    multipliers: dict[str, Annotated[float, Field(gt=0)]] = {}

    @model_validator(mode="after")
    def _whole(self) -> HabitatSpec:
        if (self.landcover is None) != (not self.multipliers):
            raise ValueError("landcover and multipliers go together")
        wrong = [k for k in self.multipliers if not k.lstrip("-").isdigit()]
        if wrong:
            raise ValueError(f"multipliers are told by the number of a class, not by {wrong[0]!r}")
        return self


class BarrierSpec(Table):
    """``[barriers]``: line layers and kilometre posts."""

    layers: list[str] = Field(min_length=1)
    posts: str | None = None
    assume_fenced: Literal["no", "yes"] = "no"
    fenced_chance: float | None = Field(default=None, ge=0, le=1)
    snap_m: float | None = Field(default=None, gt=0, le=5000)
    as_one: list[list[str]] = []
    count_both: bool = False


class SpeciesSpec(Table):
    """``[species.ID]``: patches, range and numbers of a species."""

    patches: str
    on_barrier: Literal["split", "refuse"] = "split"
    range: str | None = None
    suitability: str | None = None
    resistance: str | None = None
    profile: FileName | None = None
    based_on: str | None = None
    override: dict[str, Any] = {}


class RankingSpec(Table):
    """``[ranking]``: how they are ranked."""

    top: int = Field(default=10, gt=0)
    draws: int = Field(default=0, ge=0, le=MOST_DRAWS)
    seed: int = Field(default=1, ge=0, le=MOST_SEED)
    budget_usd: float | None = Field(default=None, gt=0, le=MOST_USD)
    vary: list[Literal[KINDS]] = list(VARY)  # type: ignore[valid-type]
    draws_anew: int = Field(default=LANDSCAPES, gt=0, le=MOST_DRAWS)
    worth_usd_per_gain: float | None = Field(default=None, gt=0)


class ImpactSpec(Table):
    """``[impact]``: what is put up alone and taken away, one after the other."""

    by: Literal["line", "kind", "class", "none"] = "line"


class ProjectSpec(Table):
    """The whole file.

    Examples
    --------
    >>> ProjectSpec.model_fields["species"].is_required()
    True
    """

    project: About
    grid: GridSpec
    layers: dict[str, LayerSpec]
    mask: MaskSpec = MaskSpec()
    factors: dict[str, FactorSpec] = {}
    habitat: HabitatSpec = HabitatSpec()
    barriers: BarrierSpec
    species: dict[str, SpeciesSpec]
    impact: ImpactSpec = ImpactSpec()
    candidates: list[CandidateSpec] = []
    ranking: RankingSpec = RankingSpec()
    portfolio: PortfolioSpec = PortfolioSpec()
    cost_benefit: CostBenefitSpec = CostBenefitSpec()
    scenarios: list[ScenarioSpec] = []
    comparison: ComparisonSpec = ComparisonSpec()
    tracks: list[TracksSpec] = []
    movement: MovementSpec | None = None
    alignment: list[AlignmentSpec] = []

    def holds_codes(self, layer: str) -> bool:
        """Whether the numbers of a raster layer are classes, of which there is no mean."""
        classes = any(f.derive == "class" and layer in f.layers for f in self.factors.values())
        return classes or layer == self.habitat.landcover

    @field_validator("species")
    @classmethod
    def _some_species(cls, value: dict[str, SpeciesSpec]) -> dict[str, SpeciesSpec]:
        if not value:
            raise ValueError("no species is named; write a table [species.ID], such as [species.khulan]")
        return value

    @field_validator("candidates", "tracks", "alignment", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        """One table of candidates, tracks or lines is as good as a list of one."""
        return [value] if isinstance(value, dict) else value


def valid_keys(location: tuple[Any, ...]) -> list[str]:
    """Keys allowed at a place of the project file."""
    model: Any = ProjectSpec
    for part in location:
        if isinstance(part, int) or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        info = model.model_fields.get(str(part))
        if info is None:
            continue  # the name of a layer, factor or species
        model = next(_models(info.annotation), None)
        if model is None:
            return []
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
