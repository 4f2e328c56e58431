"""Landscape permeability: which fence comes down first?"""

from __future__ import annotations

__version__ = "0.1.0"
