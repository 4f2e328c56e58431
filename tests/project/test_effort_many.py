"""The plan of a project with a layer of many lines: what follows from their number, and what must not."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString

import permeability as pm
from permeability.project.run.effort import choice_seconds, plan_species


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The smallest project with forty more fences, each of one kilometre."""
    path = pm.samples.tiny_project(tmp_path_factory.mktemp("many") / "tiny")
    layers = path.parent / "layers.gpkg"
    fences = gpd.read_file(layers, layer="barriers")
    rng = np.random.default_rng(1)
    starts = rng.uniform((500, 500), (10_000, 1_800), (40, 2))
    more = {
        "id": [f"M{k}" for k in range(40)], "kind": "fence", "fence_class": "stock",
        "geometry": [LineString([s, s + (900, 200)]) for s in starts],
    }  # fmt: skip
    table = gpd.GeoDataFrame(more, crs=fences.crs)
    both = gpd.GeoDataFrame({c: [*fences[c], *table[c]] for c in more}, geometry="geometry", crs=fences.crs)
    both.to_file(layers, layer="barriers")
    return path


def with_text(path, text):
    other = path.with_name("other.toml")
    other.write_text(path.read_text() + text)
    return pm.open_project(other)


def test_many_lines_are_no_solves(project):
    plan = plan_species(pm.open_project(project), "khulan")
    assert plan.cases == 2  # today and bare; the lines are brought up to date
    grouped = plan_species(with_text(project, '\n[impact]\nby = "kind"\n'), "khulan")
    assert grouped.cases == 4
    none = plan_species(with_text(project, '\n[impact]\nby = "none"\n'), "khulan")
    assert none.cases == 2
    assert none.seconds < grouped.seconds < plan.seconds


def test_the_choice_is_in_the_plan(project):
    land = pm.open_project(project).landscape("khulan")
    sites = [c for x in land.barriers.lines for c in pm.candidates(land, x, length_m=2000)]
    few, more = choice_seconds(sites[:10], 1e12, 500), choice_seconds(sites[:20], 1e12, 500)
    assert more == pytest.approx(2 * few)
    assert choice_seconds(sites, 1.0, 500) < choice_seconds(sites, 1e12, 500)
    assert choice_seconds(sites, None, 500) == 0.0
