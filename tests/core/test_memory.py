"""One notion of memory: what the machine has, what is free, what a container or batch job leaves of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pretended_memory import GIB, limit, pretend

from permeability.core import memory


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return pretend(tmp_path, monkeypatch)


def test_without_a_container_what_is_free_counts(groups: Path) -> None:
    assert (memory.physical(), memory.available(), memory.container()) == (64 * GIB, 60 * GIB, None)
    limit(groups / "cgroup", "max", 3 * GIB)
    assert (memory.available(), memory.container()) == (60 * GIB, None)
    (groups / "own").unlink()  # not Linux
    assert memory.available() == 60 * GIB
    assert memory.told() == "60.0 GiB free of 64.0 GiB in this machine"


def test_the_limit_of_a_container_counts_and_kept_files_are_given_back(groups: Path) -> None:
    limit(groups / "cgroup", 4 * GIB, 3 * GIB)
    assert (memory.physical(), memory.available()) == (64 * GIB, GIB)
    limit(groups / "cgroup", 4 * GIB, 3 * GIB, cache=2 * GIB)
    assert memory.available() == 3 * GIB
    limit(groups / "cgroup", 4 * GIB, 5 * GIB)  # above its limit for a moment
    assert memory.available() == 0
    limit(groups / "cgroup", 200 * GIB, GIB)  # wider than the machine
    assert memory.available() == 60 * GIB


def test_the_narrowest_of_nested_groups_counts(groups: Path) -> None:
    """A batch job: the limit stands above the process's own group."""
    (groups / "own").write_text("0::/slurm/job_7/step_0\n")
    limit(groups / "cgroup" / "slurm" / "job_7" / "step_0", "max", GIB)
    limit(groups / "cgroup" / "slurm" / "job_7", 8 * GIB, 2 * GIB)
    limit(groups / "cgroup" / "slurm", 32 * GIB, 31 * GIB)
    assert memory.available() == GIB
    assert memory.container() == 8 * GIB


def test_the_older_form_of_control_groups(groups: Path) -> None:
    (groups / "own").write_text("5:cpu,cpuacct:/a\n4:memory:/docker/x\n")
    limit(groups / "cgroup" / "memory", 6 * GIB, 2 * GIB, older=True)  # what the process sees as its root
    assert memory.available() == 4 * GIB
    limit(groups / "cgroup" / "memory", 9223372036854771712, 2 * GIB, older=True)
    assert memory.container() is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_of_the_process_itself_counts():
    code = (
        "import resource, psutil; from permeability.core import memory; before = memory.available();"
        "own = psutil.Process().memory_info().vms; resource.setrlimit(resource.RLIMIT_AS, (own + (1 << 28), -1));"
        "print(before, memory.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = (int(x) for x in done.stdout.split())
    assert after <= 1 << 28 < before
    assert after > 1 << 26
