"""Where things lie: the checkout, its samples, and the published cases, which are not part of it."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = REPOSITORY / "data" / "samples"
GOBI = SAMPLES / "gobi"
SHARED = Path(os.environ.get("PERMEABILITY_SHARED", REPOSITORY.parent / "shared"))
REFERENCE = SHARED / "reference"
