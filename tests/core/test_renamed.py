"""Old names work for one release, and say what they are called now."""

from __future__ import annotations

import warnings

import pytest

import permeability as pm
from permeability.core.renamed import renamed
from permeability.planning import joint_gains


def test_the_front_door_hands_on_the_new_name_under_the_old() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"permeability.chains is called bundled_candidates now"
    ) as told:
        assert pm.chains is pm.bundled_candidates
    assert told[0].filename == __file__  # the line to mend is the reader's own
    with pytest.warns(DeprecationWarning, match="permeability.executor is called tasks now"):
        assert pm.executor.run_tasks is pm.tasks.run_tasks
    with pytest.warns(DeprecationWarning, match="permeability.executor is called tasks now") as told:
        from permeability.executor import run_tasks
    assert told[0].filename == __file__
    assert run_tasks is pm.tasks.run_tasks


def test_modules_hand_on_the_new_name_under_the_old() -> None:
    with pytest.warns(DeprecationWarning, match="Connectivity is called NetworkConnectivity now") as told:
        old = pm.metrics.Connectivity
    assert told[0].filename == __file__
    assert old is pm.metrics.NetworkConnectivity
    with pytest.warns(DeprecationWarning, match="alternatives is called exclusive_pairs now"):
        assert joint_gains.alternatives is joint_gains.exclusive_pairs
    with pytest.warns(DeprecationWarning, match="Connectivity"):
        from permeability.linkage.network_metrics import Connectivity  # noqa: F401


def test_new_names_say_nothing_and_unknown_ones_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "bundled_candidates" in pm.__all__
        assert "chains" not in pm.__all__
        assert pm.metrics.NetworkConnectivity.__name__ == "NetworkConnectivity"
        assert not hasattr(pm, "no_such_name")
        assert not hasattr(pm.metrics, "no_such_name")
    with pytest.raises(AttributeError, match="'m' has no attribute 'x'"):
        renamed("m", {})("x")
