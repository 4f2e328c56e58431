"""``[tracks]`` of a project file: fixes of animals, and what is measured from them."""

from __future__ import annotations

from pydantic import Field, field_validator

from permeability.project.scenario_spec import FileName, Table


class TracksSpec(Table):
    """``[tracks]``, or several ``[[tracks]]``: one data set of one species.

    Examples
    --------
    >>> TracksSpec(path="fixes.csv", species="khulan", timezone="UTC").files
    ['fixes.csv']
    """

    path: FileName | list[FileName]
    species: str
    table: str | None = None
    animal: str | None = None
    time: str | None = None
    x: str | None = None
    y: str | None = None
    crs: str | None = None
    timezone: str | None = None
    error_m: float | str | None = None
    max_speed_kmh: float = Field(default=120.0, gt=0)
    drop: list[str] = []
    simulated: bool | None = None
    lines: list[str] = []
    buffer_m: float = Field(default=150.0, gt=0)
    sections_m: float = Field(default=250.0, gt=0)
    block_km: float = Field(default=5.0, gt=0)
    placebos: int = Field(default=20, ge=0, le=1000)
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    citation: str = ""

    @field_validator("drop", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def files(self) -> list[str]:
        """Paths, from the folder of the project file."""
        return [self.path] if isinstance(self.path, str) else self.path
