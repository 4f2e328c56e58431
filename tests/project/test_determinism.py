"""The bytes of a run do not hang on threads, hash seeds, locale, time zone, working directory or umask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import permeability as pm

RUN = "import sys, permeability as pm; pm.run_project(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]))"
SURROUNDINGS = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "12345", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "mn", "TZ": "Asia/Ulaanbaatar", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2", "PYTHONUTF8": "0", "COLUMNS": "40"},
]  # fmt: skip


@pytest.mark.slow
def test_surroundings_change_no_byte(tmp_path: Path) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    text = project.read_text(encoding="utf-8").replace("draws = 0", "draws = 8\nbudget_usd = 9000")
    project.write_text(
        text.replace('"An invented example."', '"Говь: an invented example."'), encoding="utf-8"
    )
    found = []
    for i, changed in enumerate(SURROUNDINGS):
        where = project.parent if i else tmp_path
        given = "project.toml" if i else str(project)
        done = subprocess.run(
            [sys.executable, "-c", RUN, given, str(tmp_path / f"out{i}"), str(i + 1)], cwd=where, capture_output=True, text=True,
            env={**os.environ, **changed}, umask=0o077 if i else 0o022,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        folder = tmp_path / f"out{i}"
        found.append(
            {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        )
    assert set(found[0]) == set(found[1])
    assert [name for name in found[0] if found[0][name] != found[1][name]] == []
    assert str(tmp_path) not in found[0]["record.json"].decode()
    assert pm.verify_results(tmp_path / "out1").ok
