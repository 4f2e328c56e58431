"""``[movement]`` of a project file: a movement chain for every species."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from permeability.linkage.exposure import ANIMAL_M_PER_S, KILL_ZONE_M
from permeability.project.scenario_spec import Table


class MovementSpec(Table):
    """``[movement]``: how directed movement is, and what kills.

    Examples
    --------
    >>> MovementSpec(theta_per_km=0.05).barriers
    'both'
    """

    theta_per_km: float = Field(default=0.0, ge=0, le=100, allow_inf_nan=False)
    death_per_km: float = Field(default=0.0, ge=0, le=10, allow_inf_nan=False)
    step_km: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    barriers: Literal["both", "chance", "cost"] = "both"
    traffic: bool = True
    kill_zone_m: float = Field(default=KILL_ZONE_M, gt=0, le=1000, allow_inf_nan=False)
    animal_m_per_s: float = Field(default=ANIMAL_M_PER_S, gt=0, le=100, allow_inf_nan=False)
    at_lines: dict[str, Annotated[float, Field(ge=0, lt=1)]] = {}
