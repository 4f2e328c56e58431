"""Nothing that a run has found is worked out again: counted by what goes into every field and every condensation."""

from __future__ import annotations

from pathlib import Path

import pytest
from repeated_work import counted_work

import permeability as pm
from permeability.project.run.effort import plan_species


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_repeats_no_field_and_no_condensation(tmp_path: Path, workers: int) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    with counted_work() as work:
        pm.run_project(project, workers=workers, report=False)
    assert work.all("field") > 0
    assert work.all("condensation") > 0
    assert work.repeats("field") == work.repeats("condensation") == 0, work.places.most_common()
    told = plan_species(pm.open_project(project), "khulan").fields
    assert work.all("field") / 2 < told < 2 * work.all("field")


def test_results_that_share_what_was_measured_repeat_nothing() -> None:
    land, patches = pm.samples.tiny()
    sites = pm.candidates(land, "F", length_m=2000)
    with counted_work() as work:
        ranking = pm.rank(land, patches, sites)
        known = ranking.engine.measured
        pm.connectivity(land, patches, measured=known)
        pm.barrier_impact(land, patches, measured=known)
        pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 4)), measured=known)
        pm.offset_account(ranking)
        pm.portfolio(ranking, 1e6, view="least_cost")
    assert work.repeats("field") == work.repeats("condensation") == 0, work.places.most_common()
