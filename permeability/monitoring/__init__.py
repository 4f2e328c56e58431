"""Did it work, and what next: designs with their power, where controls go, what pilots change, what knowing more is worth.

A design is judged by the test that its data will meet: the means of animals or sites, compared by Welch.  What pilots saw weighs the draws that
a ranking has anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from permeability.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from permeability.monitoring.control_sites import paired_controls
    from permeability.monitoring.design_power import Power, power
    from permeability.monitoring.form_tables import ReportTable, report_tables
    from permeability.monitoring.indicator_values import Indicators, indicators
    from permeability.monitoring.information import InformationValue, value_of_information
    from permeability.monitoring.pilot_evidence import Pilot
    from permeability.monitoring.pilot_update import PilotUpdate, update
    from permeability.monitoring.regression import regression_to_mean
    from permeability.monitoring.sample_size import SampleSize, design

_HOME = {
    "Indicators": "permeability.monitoring.indicator_values",
    "InformationValue": "permeability.monitoring.information",
    "Pilot": "permeability.monitoring.pilot_evidence",
    "PilotUpdate": "permeability.monitoring.pilot_update",
    "Power": "permeability.monitoring.design_power",
    "ReportTable": "permeability.monitoring.form_tables",
    "SampleSize": "permeability.monitoring.sample_size",
    "design": "permeability.monitoring.sample_size",
    "indicators": "permeability.monitoring.indicator_values",
    "paired_controls": "permeability.monitoring.control_sites",
    "power": "permeability.monitoring.design_power",
    "regression_to_mean": "permeability.monitoring.regression",
    "report_tables": "permeability.monitoring.form_tables",
    "update": "permeability.monitoring.pilot_update",
    "value_of_information": "permeability.monitoring.information",
}

__all__ = [
    "Indicators", "InformationValue", "Pilot", "PilotUpdate", "Power", "ReportTable", "SampleSize", "design", "indicators", "paired_controls",
    "power", "regression_to_mean", "report_tables", "update", "value_of_information",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(__name__, _HOME)
