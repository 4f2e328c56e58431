"""Tracks of animals: what they did at barriers, and what a crossing costs them, measured.

Fixes become :class:`~permeability.telemetry.tracks.Tracks`; these become crossings, encounters and numbers with intervals,
each beside the same number on displaced copies of the lines.
"""

from __future__ import annotations

from permeability.telemetry import samples
from permeability.telemetry.behaviour import encounters
from permeability.telemetry.calibration import Calibration, calibrate
from permeability.telemetry.line_crossings import crossings
from permeability.telemetry.measured_cost import CrossingCosts, crossing_cost
from permeability.telemetry.opening_effect import BeforeAfter, Stretch, before_after
from permeability.telemetry.reading import read_tracks
from permeability.telemetry.selection import StepSelection, step_selection
from permeability.telemetry.tracks import Bursts, Tracks
from permeability.telemetry.validation import Validation, validate

__all__ = [
    "BeforeAfter",
    "Bursts",
    "Calibration",
    "CrossingCosts",
    "StepSelection",
    "Stretch",
    "Tracks",
    "Validation",
    "before_after",
    "calibrate",
    "crossing_cost",
    "crossings",
    "encounters",
    "read_tracks",
    "samples",
    "step_selection",
    "validate",
]
