"""The simulated tracks of the Gobi sample: labelled, small, rebuilt by the script, their known cost found again."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
from places import GOBI

import permeability as pm
from permeability.project.track_files import lines_of, tracks_of
from permeability.telemetry import crossing_cost

KNOWN_KM = 8.0  # by construction: data/samples/rebuild_tracks.py


def test_the_known_cost_lies_in_the_interval() -> None:
    project = pm.open_project(GOBI / "tracks.toml")
    spec = project.spec.tracks[0]
    tracks = tracks_of(project, spec)
    stands = project.barriers.table["id"].isin(project.barriers.standing(2026).table["id"])
    row = crossing_cost(tracks, lines_of(project, spec, stands.to_numpy()), placebos=20).table.iloc[0]
    assert row["cost_km_low"] < KNOWN_KM < row["cost_km_high"]
    assert row["usable"]
    assert tracks.simulated
    assert (
        "SIMULATED"
        in crossing_cost(tracks, lines_of(project, spec, stands.to_numpy()), placebos=2)
        .of("rail_barbed_both_sides")
        .source
    )


def test_the_file_is_small_labelled_and_made_by_the_script() -> None:
    path = GOBI / "simulated_tracks.csv.gz"
    assert path.stat().st_size < 200_000
    table = pd.read_csv(path)
    assert set(table["simulated"]) == {"yes"}
    assert table["animal"].str.startswith("simulated-").all()
    script = GOBI.parent / "rebuild_tracks.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "equal", done.stderr
    constants = script.read_text()
    assert "P, M_KM = 0.2, 2.0" in constants
    assert KNOWN_KM == 2.0 * (1 - 0.2) / 0.2
