"""Plans, solvers and the doctor go by what is free for this process, and say what the machine has."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from pretended_memory import GIB, limit, pretend

import permeability as pm
from permeability.core import memory
from permeability.core.errors import MemoryLimitError
from permeability.engines.circuit.solvers.condensation import condense
from permeability.engines.circuit.solvers.registry import choose_solver, refuse_if_too_large
from permeability.engines.kernels.edges import grid_links
from permeability.project.run.doctor import doctor
from permeability.project.run.effort import plan_project, refuse_memory


def test_everything_refuses_by_what_is_left_and_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = pretend(tmp_path, monkeypatch)
    limit(groups / "cgroup", 4 * GIB, 3 * GIB)
    both = r"1\.0 GiB free of 64\.0 GiB in this machine; its container or job may take 4\.0 GiB"
    assert memory.told() == both.replace("\\", "")
    assert doctor()["memory"] == memory.told()
    assert (
        f"  memory      {memory.told()}"
        in plan_project(pm.samples.tiny_project(tmp_path / "tiny")).splitlines()
    )
    refuse_memory(GIB, 250.0)
    with pytest.raises(MemoryLimitError, match=rf"M01[\s\S]*about 1\.5 GiB[\s\S]*{both}"):
        refuse_memory(3 * GIB // 2, 250.0)
    links = grid_links(np.ones((40, 40)))
    assert condense(links, np.arange(0, 1600, 100)).conductance.shape == (16, 16)
    limit(groups / "cgroup", 4 * GIB, 4 * GIB)
    with pytest.raises(MemoryLimitError, match=r"M11[\s\S]*0\.0 GiB free of 64\.0 GiB"):
        condense(links, np.arange(0, 1600, 100))
    with pytest.raises(MemoryLimitError, match=r"C06[\s\S]*0\.0 GiB free of 64\.0 GiB"):
        refuse_if_too_large(choose_solver(10**6, 1))


def test_a_check_refuses_the_cells_that_no_run_could_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    fine = project.read_text().replace("cell_size_m = 1000", "cell_size_m = 0.5")
    assert fine != project.read_text()
    project.write_text(fine)
    monkeypatch.setattr(memory, "available", lambda: 23 * GIB)
    begun = time.process_time()
    (found,) = [f for f in pm.check(project) if f.severity == "error"]
    assert found.code == "M02"
    assert time.process_time() - begun < 10
