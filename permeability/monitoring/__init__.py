"""Did it work: how sure a monitoring design is to see a change, how many collars or cameras it takes, and where the controls go.

A design is judged by the test that its data will meet: the means of animals or sites, compared by Welch.
"""

from __future__ import annotations

from permeability.monitoring.control_sites import paired_controls
from permeability.monitoring.design_power import Power, power
from permeability.monitoring.sample_size import SampleSize, design

__all__ = ["Power", "SampleSize", "design", "paired_controls", "power"]
