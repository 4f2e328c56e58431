"""Problem files of other programs through the command line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from places import SHARED

from permeability.cli.commands import main


def run(arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return int(stop.value.code or 0)


def circuitscape_problems():
    manifest = SHARED / "reference" / "circuitscape" / "manifest.json"
    if not manifest.is_file():
        return []
    cases = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    return [c for c in cases if any(p.endswith("resistances.out") for p in map(str, c["expected"].values()))]


@pytest.mark.parametrize("case", circuitscape_problems(), ids=lambda c: c["id"])
def test_circuitscape_command_writes_the_published_resistances(case, tmp_path, capsys):
    source = SHARED / "reference" / "circuitscape" / "cases" / case["id"]
    if not source.is_dir():
        pytest.skip("case lies elsewhere")
    folder = tmp_path / "case"
    shutil.copytree(source, folder)
    problem = next(folder.glob("*.ini"))
    assert run(["circuitscape", problem]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    expected = next(p for p in (source / "expected").iterdir() if p.name.endswith("resistances.out"))
    found = next(p for p in written if p.name == expected.name)
    np.testing.assert_allclose(np.loadtxt(found), np.loadtxt(expected), rtol=1e-6, atol=1e-6)


def test_circuitscape_command_refuses_a_misspelt_option(tmp_path, capsys):
    problem = tmp_path / "p.ini"
    problem.write_text("[Circuitscape mode]\ndata_type = raster\nscenario = pairwize\n", encoding="utf-8")
    assert run(["circuitscape", problem]) == 2
    message = capsys.readouterr()
    assert "pairwise" in message.err
    assert message.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["p.ini"]


def test_omniscape_command_runs_a_problem(tmp_path, capsys):
    source = SHARED / "reference" / "omniscape" / "cases" / "omni_test2"
    if not source.is_dir():
        pytest.skip("published reference cases are not on this machine")
    folder = tmp_path / "case"
    shutil.copytree(source, folder)
    assert run(["omniscape", folder / "config2.ini"]) == 0
    told = capsys.readouterr()
    written = told.out.splitlines()
    assert re.search(r"windows: \d+ of \d+ blocks", told.err)
    assert any("cum_currmap" in line for line in written)
    assert all(Path(line).is_file() for line in written)
