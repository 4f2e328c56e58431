"""What a step of a scenario does, in words: which parts of a line, how wide, and how much traffic."""

from __future__ import annotations

from typing import Any

import pytest

from permeability.barriers.scenario import Intervention
from permeability.barriers.step_words import step_said


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (
            Intervention("treat", "TMR", 5, 5, "gap", ("fence left", "fence right"), width_m=200),
            "TMR, km 5: gap in the fences at grade (fence on the left, fence on the right, 200 m wide)",
        ),
        (
            Intervention("remove", "TMR", components=("wall",)),
            "TMR: take the fences down (wall)",
        ),
        (
            Intervention("set", "A3", options={"vehicles_per_day": 800}),
            "A3: other facts of the line (800 vehicles a day)",
        ),
        (
            Intervention(
                "set",
                "A3",
                options={
                    "vehicles_per_day": 800,
                    "vehicles_per_day_low": 500,
                    "vehicles_per_day_high": 2000,
                },
            ),
            "A3: other facts of the line (800 vehicles a day (500 to 2000))",
        ),
        (
            Intervention("add", "A3", options={"fence_class": "stock", "fenced": "perhaps"}),
            "A3: build the line (stock fence, fenced = perhaps)",
        ),
    ],
)
def test_steps_in_words(step: Any, text: str) -> None:
    assert str(step_said(step)) == text
