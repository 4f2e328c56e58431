"""Fixtures shared by all tests: where the published reference cases lie, and a seeded generator."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import REPOSITORY, SHARED

os.environ.setdefault("PERMEABILITY_COMPILE_AHEAD", "0")  # tests fill all cores by themselves


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the published reference cases; the test is skipped where it is missing."""
    if not (SHARED / "reference").is_dir():
        pytest.skip("published reference cases are not on this machine")
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(20261122)


def reference_cases(folder: str, *modes: str) -> list[Any]:
    """Parametrisation over the cases of one reference folder (empty where the folder is missing)."""
    manifest = SHARED / "reference" / folder / "manifest.json"
    if not manifest.is_file():
        return []
    cases = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(c, id=c["id"]) for c in cases if not modes or c["mode"] in modes]


# scripts to run by hand, and what tests load themselves: not test modules
collect_ignore = ["helpers"]
