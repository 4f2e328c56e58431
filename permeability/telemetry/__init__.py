"""Tracks of animals: what they did at barriers, and what a crossing costs them, measured.

Fixes become :class:`~permeability.telemetry.tracks.Tracks`; these become crossings, encounters and numbers with intervals,
each beside the same number on displaced copies of the lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from permeability.core.lazy_names import lazy_names

if TYPE_CHECKING:
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

_HOME = {
    "BeforeAfter": "permeability.telemetry.opening_effect",
    "Bursts": "permeability.telemetry.tracks",
    "Calibration": "permeability.telemetry.calibration",
    "CrossingCosts": "permeability.telemetry.measured_cost",
    "StepSelection": "permeability.telemetry.selection",
    "Stretch": "permeability.telemetry.opening_effect",
    "Tracks": "permeability.telemetry.tracks",
    "Validation": "permeability.telemetry.validation",
    "before_after": "permeability.telemetry.opening_effect",
    "calibrate": "permeability.telemetry.calibration",
    "crossing_cost": "permeability.telemetry.measured_cost",
    "crossings": "permeability.telemetry.line_crossings",
    "encounters": "permeability.telemetry.behaviour",
    "read_tracks": "permeability.telemetry.reading",
    "samples": "permeability.telemetry.samples",
    "step_selection": "permeability.telemetry.selection",
    "validate": "permeability.telemetry.validation",
}

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

__getattr__, __dir__ = lazy_names(__name__, _HOME)
