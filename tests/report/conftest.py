"""What several modules of this folder share: the Gobi sample, run once with few draws."""

from __future__ import annotations

import re
import shutil

import pytest
from places import GOBI

import permeability as pm

DRAWS = 20


@pytest.fixture(scope="session")
def gobi_run(tmp_path_factory):
    """The sample as it is shipped, but for the number of draws."""
    folder = tmp_path_factory.mktemp("gobi") / "gobi"
    shutil.copytree(GOBI, folder)
    path = folder / "project.toml"
    text, n = re.subn(r"(?m)^draws = \d+", f"draws = {DRAWS}", path.read_text(encoding="utf-8"), count=1)
    assert n == 1
    path.write_text(text, encoding="utf-8")
    return pm.run_project(path, folder / "out")
