"""``[[alignment]]`` of a project file: a line that is not built yet, from where to where, and what it has to keep to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from permeability.project.scenario_spec import Table

Place = tuple[float, float]
MOST_LINES = 26  # alternatives bear letters


class ClosedSpec(Table):
    """``[[alignment.no_go]]``: a layer that the line keeps off."""

    layer: str
    distance_m: float = Field(default=0.0, ge=0, le=1e6)


class AlignmentSpec(Table):
    """``[[alignment]]``: one line to be.

    Examples
    --------
    >>> found = AlignmentSpec(start=(0, 0), end=(1000, 0), kind="road", vehicles_per_day=800, no_go=["park"])
    >>> found.facts, [c.layer for c in found.no_go]
    ({'kind': 'road', 'vehicles_per_day': 800.0}, ['park'])
    """

    name: str = "new line"
    start: Place
    end: Place
    via: list[Place] = []
    kind: Literal["railway_fenced", "railway", "road", "border_fence", "stock_fence"] = "railway_fenced"
    vehicles_per_day: float | None = Field(default=None, ge=0, le=1e6)
    species: list[str] = []
    weights: dict[str, Annotated[float, Field(ge=0, le=1e6)]] = {}
    max_length: float = Field(default=1.5, ge=1, le=10)
    max_turn_deg: float = Field(default=90.0, ge=27, le=180)
    max_gradient: float | None = Field(default=None, gt=0, le=1)
    elevation: str | None = None
    corridor: str | None = None
    no_go: list[ClosedSpec] = []
    worst: tuple[float, float] = (0.2, 0.05)
    keep_off: Literal["layers", "classes"] = "layers"
    drawn: str | None = None
    drawn_id: str = "id"
    price: str | None = None
    price_weight: float = Field(default=0.0, ge=0)
    alternatives: int = Field(default=1, ge=0, le=MOST_LINES)
    starts: int = Field(default=4, ge=1, le=100)
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    edge_cells: int | None = Field(default=None, ge=0, le=1000)
    target_loss: float | None = Field(default=None, gt=0, le=1000)
    spacing_km: float = Field(default=10.0, gt=0, le=1000)
    treatment: str = "underpass"
    width_m: float = Field(default=30.0, gt=0, le=10_000)
    countries: str | None = None
    draws: int = Field(default=0, ge=0, le=100_000)

    @field_validator("no_go", mode="before")
    @classmethod
    def _names_of_layers(cls, value: Any) -> Any:
        """A name alone is a layer without a distance."""
        return (
            [{"layer": v} if isinstance(v, str) else v for v in value] if isinstance(value, list) else value
        )

    @model_validator(mode="after")
    def _whole(self) -> AlignmentSpec:
        if (self.max_gradient is None) != (self.elevation is None):
            raise ValueError("max_gradient and elevation (a raster layer of heights) go together")
        if self.vehicles_per_day is not None and self.kind != "road":
            raise ValueError('vehicles_per_day belongs to kind = "road"')
        if not 0 < self.worst[1] <= self.worst[0] < 1:
            raise ValueError("worst gives the share to avoid, then the smaller one that is no-go")
        if not self.alternatives and not self.drawn:
            raise ValueError("with alternatives = 0 there must be drawn lines to compare")
        if self.price_weight and self.price is None:
            raise ValueError("price_weight needs price, a raster layer")
        return self

    @property
    def facts(self) -> str | dict[str, Any]:
        """Kind of the line, with its traffic where that is given."""
        return (
            self.kind
            if self.vehicles_per_day is None
            else {"kind": "road", "vehicles_per_day": self.vehicles_per_day}
        )

    @property
    def layers(self) -> list[tuple[str, str]]:
        """Layers that the table names, and the keys under which it does."""
        found = [
            (v, k)
            for k in ("corridor", "drawn", "countries", "elevation", "price")
            if (v := getattr(self, k))
        ]
        return [*found, *((c.layer, "no_go") for c in self.no_go)]

    @property
    def rasters(self) -> list[str]:
        """Those of them that are rasters."""
        return [v for v in (self.elevation, self.price) if v]
