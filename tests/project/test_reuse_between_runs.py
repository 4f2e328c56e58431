"""A run takes from the last one what has the same inputs, and works out anew what has not; the bytes are those of a fresh run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import permeability as pm
from permeability.impact.what_if import Evaluator

CHOICE = "draws = 8\ndraws_anew = 2\nbudget_usd = 4000"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = pm.samples.tiny_project(tmp_path / "tiny")
    path.write_text(path.read_text().replace("draws = 0", CHOICE))
    return path


def steps(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (path.parent.parent / ".out-steps").glob("*.task")}


def run(path: Path, out: str = "out", **how: object) -> dict[str, bytes]:
    folder = path.parent.parent / out
    pm.run_project(path, folder, report=False, **how)  # type: ignore[arg-type]
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_second_run_does_nothing_again_and_gives_the_same_bytes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, kept = run(project), steps(project)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("worked out again")

    monkeypatch.setattr("permeability.ranking.rank_draws.reach_and_area", never)
    monkeypatch.setattr("permeability.impact.what_if.Evaluator.singles", never)
    monkeypatch.setattr("permeability.planning.budget_choice.relaxed_bound", never)
    monkeypatch.setattr("permeability.planning.alternatives._drawn", never)
    assert run(project) == first
    assert set(steps(project)) == set(kept)


def test_an_edited_scenario_leaves_the_ranking_and_a_fence_does_not(project: Path) -> None:
    run(project)
    before, text = set(steps(project)), project.read_text()
    project.write_text(text.replace("km = [2, 6]", "km = [2, 5]"))  # the scenario opens less
    edited = run(project)
    kept = before & set(steps(project))
    assert edited == run(project, "fresh")
    assert len(kept) > 10
    assert kept != before
    project.write_text(
        text.replace("[species.khulan]", '[species.khulan]\noverride = { "movement.trace_km" = 3.0 }')
    )
    changed = run(project)
    assert not set(steps(project)) & before  # every crossing cost hangs on it
    assert changed == run(project, "fresh")


def test_what_no_run_uses_any_more_is_taken_away_and_anew_means_anew(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project)
    stray = project.parent.parent / ".out-steps" / "0.task"
    stray.write_bytes(b"old")
    os.utime(stray, (1, 1))
    before = steps(project)
    run(project)
    assert not stray.exists()
    assert set(steps(project)) == set(before) - {"0.task"}
    count = {"n": 0}
    whole = Evaluator.singles

    def counted(self: Evaluator, *args: object, **how: object) -> object:
        count["n"] += 1
        return whole(self, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Evaluator, "singles", counted)
    run(project)
    assert count["n"] == 0
    run(project, resume=False)
    assert count["n"] == 1
