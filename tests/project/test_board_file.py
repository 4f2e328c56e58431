"""What a run keeps for the board: enough to solve any set, or why there is none."""

import json
import tomllib

import numpy as np
import pytest

import permeability as pm
from permeability.barriers.scenario import Intervention
from permeability.core.errors import PatchError, ProjectError
from permeability.core.estimate import Estimate
from permeability.project.run import board_file
from permeability.project.run.board_file import board_data, steps_toml
from permeability.project.scenario_spec import ScenarioSpec, interventions_of
from permeability.ranking.candidate_sites import Candidate


@pytest.fixture(scope="module")
def ranking():
    land, patches = pm.samples.tiny()
    return pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=6)


@pytest.mark.parametrize(
    "failure",
    [
        PatchError("P09", "a barrier crosses a patch.", remedy="move it"),
        np.linalg.LinAlgError("not positive definite"),
    ],
)
def test_a_run_is_not_lost_for_its_board(ranking, monkeypatch, failure):
    def fails(*_, **__):
        raise failure

    monkeypatch.setattr(board_file, "set_networks", fails)
    kept = board_data({"khulan": ranking})["species"]["khulan"]
    assert kept["levels"] == {}
    assert any(word in kept["why"] for word in ("P09", "positive definite"))


def test_too_large_a_network_is_said(ranking, monkeypatch):
    monkeypatch.setattr(board_file, "FEW_NODES", 3)
    kept = board_data({"khulan": ranking})["species"]["khulan"]
    assert "up to 3 are made small" in kept["why"]


def test_a_board_says_why_it_cannot_be_written(ranking, monkeypatch, tmp_path):
    monkeypatch.setattr(board_file, "FEW_NODES", 3)
    with pytest.raises(ProjectError, match="J21") as raised:
        pm.write_board(ranking, tmp_path / "b.html")
    assert "made small" in str(raised.value.details)


def test_the_file_is_plain_json_and_the_same_every_time(ranking):
    one, two = (json.dumps(board_data({"khulan": ranking}), allow_nan=False) for _ in range(2))
    assert one == two
    assert list(json.loads(one)["species"]["khulan"]["levels"]) == ["low", "best", "high"]


STEPS = (
    Intervention("remove", "F", 1.25, 3.5, treatment="remove"),
    Intervention("remove", "F", components=("fence left",)),
    Intervention("treat", 'a "line"\n\\', 4.0, 4.0, "underpass", width_m=40.0),
    Intervention("treat", "F", 0.1, 0.3, "night_closure", options={"closed_hours": "20-6"}),
    Intervention("drop", "Ж", 1.0, 2.0),
)


def test_steps_come_back_from_a_project_file_as_they_were():
    land, _ = pm.samples.tiny()
    text = steps_toml(Candidate("a", "F", 0.0, 1.0, STEPS, Estimate.exact(1.0, "USD")))
    spec = ScenarioSpec.model_validate(tomllib.loads('[[scenarios]]\nname = "a"\n' + text)["scenarios"][0])
    for step, before in zip(spec.steps, STEPS, strict=True):
        (after,) = interventions_of(step, land.barriers)
        for name in ("action", "line", "km_from", "km_to", "components", "width_m"):
            assert getattr(after, name) == getattr(before, name)
        assert dict(after.options) == dict(before.options)
        assert before.action != "treat" or after.treatment == before.treatment


def test_a_chance_of_ones_own_has_no_words_in_a_scenario():
    own = Intervention("treat", "F", 0, 1, None, chance=Estimate(0.1, 0.2, 0.3, "1", "M-l", "x"))
    assert steps_toml(Candidate("a", "F", 0.0, 1.0, (STEPS[0], own), Estimate.exact(1.0, "USD"))) is None
