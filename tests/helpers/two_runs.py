"""The smallest project run twice: as it is, and with draws of an opening that can fail."""

from __future__ import annotations

import shutil
from pathlib import Path

from permeability.project import samples
from permeability.project.run.run import run_project


def bare_and_drawn(folder: Path) -> None:
    """Projects ``tiny`` and ``tried`` in a folder with their results ``res`` and ``drawn``."""
    samples.tiny_project(folder / "tiny")
    run_project(folder / "tiny" / "project.toml", folder / "res", report=False)
    shutil.copytree(folder / "tiny", folder / "tried")
    text = (folder / "tried" / "project.toml").read_text(encoding="utf-8")
    text = text.replace("length_km = 2", "length_km = 2\ntreatment = 'modify'")
    text = text.replace("draws = 0", "draws = 40\nvary = ['crossing', 'trace']")
    (folder / "tried" / "project.toml").write_text(text, encoding="utf-8")
    run_project(folder / "tried" / "project.toml", folder / "drawn", report=False)
