"""Crossing chances at the edges of the rules: heights that are none, snow without a design, parts of a railway opened alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from permeability.barriers.passability import crossing_cost_m, crossing_estimate, split_fenced_railway
from permeability.barriers.passability.chances import design_of, treated_chances
from permeability.barriers.passability.fences import snow_factor
from permeability.core.errors import BarrierError
from permeability.core.estimate import Estimate
from permeability.species import species

TMR = {"kind": "railway", "fenced": "yes", "fence_class": "rail_barbed_both_sides", "trains_per_day": 46}


@dataclass
class Part:
    name: str
    chance: Estimate
    kind: str = "fence"

    @property
    def is_fence(self) -> bool:
        return self.name.startswith("fence")

    key = "treatment"


@dataclass
class Step:
    treatment: str
    components: tuple[str, ...] | None = None
    width_m: float | None = None
    chance: Estimate | None = None
    options: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize("heights", ["0.46 high", "waist", "0.46-1.1"])
def test_wire_heights_that_are_no_list_are_refused_and_not_guessed(heights: str) -> None:
    with pytest.raises(BarrierError, match=r"(?s)V10.*is no list of heights.*0.46 0.65"):
        design_of({"kind": "fence", "wire_heights_m": heights, "bottom_wire_m": 0.4, "top_wire_m": 1.1})
    design = design_of({"kind": "fence", "wire_heights_m": "0,46 0,65 1,1", "bottom_wire_m": 0.2})
    assert design is not None
    assert (design.bottom_m, design.top_m, design.strands) == (0.46, 1.1, 3)


def test_snow_takes_nothing_from_a_class_without_a_typical_design() -> None:
    gazelle = species("mongolian_gazelle")
    assert snow_factor("rail_unfenced", gazelle, 0.4) is None
    kept = snow_factor("rail_wildlife_friendly", gazelle, 0.4)
    assert kept is not None
    assert kept.best < 1
    row = {"kind": "fence", "fence_class": "rail_unfenced"}
    assert crossing_estimate(row, gazelle, season="winter") == gazelle.crossing["rail_unfenced"]


def test_a_structure_in_one_chosen_fence_serves_that_fence() -> None:
    """Two such fences and the track cost together what the structure costs."""
    gazelle = species("mongolian_gazelle")
    track = crossing_estimate({**TMR, "fenced": "no"}, gazelle)
    fence = split_fenced_railway(crossing_estimate(TMR, gazelle), track)
    parts = [Part("fence left", fence), Part("track", track), Part("fence right", fence)]
    step = {"width_m": 200.0}
    ((place, (whole, key)),) = treated_chances(Step("gap", **step), TMR, parts, gazelle).items()
    assert (place, key) == (-1, "structures.gap_50_500m")
    found = treated_chances(Step("gap", ("fence left",), **step), TMR, parts, gazelle)
    assert list(found) == [0]
    one = found[0][0]
    assert one.best > fence.best
    together = 2 * crossing_cost_m(one.best, 1.0) + crossing_cost_m(track.best, 1.0)
    assert together == pytest.approx(crossing_cost_m(whole.best, 1.0))


def test_a_plain_chance_is_split_by_the_best_value_of_the_track() -> None:
    track = Estimate(0.6, 0.8, 0.95)
    assert split_fenced_railway(0.01, track) == split_fenced_railway(0.01, 0.8)
