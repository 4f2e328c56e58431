"""Nobody reading, a full disk under a stream, a request to end: the work and the exit code stay what they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import permeability as pm

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, signals and devices of POSIX")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pm.samples.tiny_project(tmp_path_factory.mktemp("streams") / "tiny")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    command = line.replace("permeability", f"{sys.executable} -m permeability")
    return subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=300)  # fmt: skip


def test_a_reader_that_goes_away_changes_nothing(project: Path, tmp_path: Path) -> None:
    done = shell(f"permeability run {project} --out {tmp_path}/a 2> >(exec true) | true")
    assert done.returncode == 0
    assert pm.verify_results(tmp_path / "a").ok
    broken = project.with_name("broken.toml")
    broken.write_text(project.read_text().replace('line = "F"', 'line = "G"'))
    refused = shell(f"permeability check {broken} | true")
    assert (refused.returncode, refused.stderr) == (
        2,
        "",
    )  # the finding counts, whether or not somebody reads it


def test_closed_and_full_streams(project: Path, tmp_path: Path) -> None:
    assert shell(f"permeability plan {project} >&- 2>&-").returncode == 0
    full = shell(f"permeability plan {project} > /dev/full")
    assert full.returncode == 2
    assert "No space left" in full.stderr
    assert "Traceback" not in full.stderr
    assert shell(f"permeability plan {project} 2> /dev/full").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_nothing_half(project: Path, tmp_path: Path, number: signal.Signals) -> None:
    results = tmp_path / "results"
    running = subprocess.Popen(
        [sys.executable, "-m", "permeability", "run", str(project), "--out", str(results)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )  # fmt: skip
    assert running.stderr is not None
    while "ranking" not in running.stderr.readline():  # the work is under way
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(number)
    said = running.stderr.read()
    assert running.wait() in (130, 0)  # 0: it was quicker than the signal
    assert "Traceback" not in said
    if running.returncode:
        assert "interrupted; finished work is kept" in said
        assert not results.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(("-unfinished", "-lock", "-old"))]
