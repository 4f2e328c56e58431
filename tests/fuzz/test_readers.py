"""A few hundred hostile inputs to every reader; the same doors stand open for hours in benchmarks/fuzz.py."""

from __future__ import annotations

import random
import tomllib

import pytest
from fuzzing import KINDS, WORDS, Kitchen, attempt, bent, scarred, toml
from hypothesis import given, settings
from hypothesis import strategies as st

MANY = {
    "grid": 150,
    "project-keys": 12,
    "project": 5,
    "geopackage": 15,
    "tiff": 15,
    "problem": 25,
    "omniscape": 25,
}
FOUND = [  # what earlier fuzzing found, by kind and seed
    ("grid", 76), ("grid", 1408), ("problem", 107), ("problem", 408), ("problem", 460), ("omniscape", 300), ("omniscape", 568), ("omniscape", 1778),
    ("tracks", 49), ("tracks", 277), ("tracks", 203162), ("project", 9), ("project", 100090), ("project", 200127), ("project", 200149), ("species", 102151),
    ("geopackage", 100156), ("geopackage", 300090), ("geopackage", 100910), ("tiff", 100045), ("tiff", 100450), ("tiff", 100877),
]  # fmt: skip


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    return Kitchen(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_refuses_or_takes_whatever_comes(kind: str, kitchen: Kitchen) -> None:
    @settings(max_examples=MANY.get(kind, 15), deadline=None, derandomize=True, database=None)
    @given(st.integers(0, 2**63 - 1))
    def tried(seed: int) -> None:
        assert attempt(kitchen, kind, seed) is None

    tried()


@pytest.mark.parametrize(("kind", "seed"), FOUND)
def test_what_was_found_stays_mended(kind: str, seed: int, kitchen: Kitchen) -> None:
    assert attempt(kitchen, kind, seed) is None


def test_the_inputs_are_what_they_seem(kitchen: Kitchen) -> None:
    """The generator itself: valid TOML that says what the tables say, other bytes, the same from the same seed."""
    for seed in range(50):
        tree = bent(kitchen.tiny, random.Random(seed), lambda path: ["draws", "line"])
        assert repr(tomllib.loads(toml(tree))) == repr(tree)  # repr: NaN is not itself
        assert scarred(kitchen.tif, random.Random(seed)) == scarred(kitchen.tif, random.Random(seed))
    assert sum(bent(kitchen.tiny, random.Random(s), lambda path: []) != kitchen.tiny for s in range(50)) > 40
    assert sum(scarred(kitchen.tif, random.Random(s)) != kitchen.tif for s in range(50)) > 40
    assert len(set(WORDS)) == len(WORDS)
