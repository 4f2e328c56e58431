"""``permeability settle`` as a new user types it in an empty folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from places import GOBI

from permeability.cli.commands import main
from permeability.project import samples, settling


def settle(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["settle", *arguments])
    return int(stop.value.code or 0)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands are typed in, with a project in it."""
    monkeypatch.chdir(tmp_path)
    samples.tiny_project("tiny")
    return tmp_path


def test_it_says_what_it_will_take_then_what_it_found(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle("tiny/project.toml", "--resampling", "average", "--origins", "4") == 0
    out, err = capsys.readouterr()
    assert "candidates for khulan: 4; grids: 12; resistance is brought onto them with average" in err
    assert "cells of 250 m: cells: 1,536, grids: 4" in err
    assert "in all, on one core" in err
    assert "The ranking has settled at" in out
    assert "Settled means: over the origins of the grid" in out
    assert sorted(p.name for p in Path("tiny/settled").iterdir()) == [
        "settle.csv", "settle.json", "settle_khulan.png", "settle_khulan.svg", "settle_sites.csv"]  # fmt: skip
    table = pd.read_csv("tiny/settled/settle.csv")
    assert table["cell_size_m"].tolist() == [1000, 500, 250]
    assert not table["settled"].iloc[-1]


def test_json_and_a_folder_of_ones_own(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        settle(
            "tiny",
            "--resampling",
            "average",
            "--origins",
            "2",
            "--cell",
            "800",
            "--cell",
            "400",
            "--out",
            "there",
            "--json",
        )
        == 0
    )
    out = capsys.readouterr().out
    found = json.loads(out)["khulan"]
    assert [row["cell_size_m"] for row in found["cell_sizes"]] == [800, 400]
    assert found["origins"][0] == [0, 0]
    assert found["settled_m"] in (None, 800)
    assert json.loads(Path("there/settle.json").read_text(encoding="utf-8"))["khulan"] == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "GridMismatchError [G08]"),
        (("--resampling", "averag"), "did you mean 'average'"),
        (("--resampling", "average", "--origins", "1"), "OptionError [O67]"),
        (("--resampling", "average", "--levels", "0"), "OptionError [O67]"),
        (("--resampling", "average", "--cell", "-3"), "cells of -3 m"),
        (("--resampling", "average", "--top", "0"), "top = 0, at least 1"),
        (("--species", "khulun"), "did you mean 'khulan'"),
        (("--orgins", "4"), "Did you mean '--origins'"),
    ],
)
def test_refusals_leave_nothing_behind(
    empty: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    before = sorted(p.name for p in Path("tiny").iterdir())
    assert settle("tiny", *arguments) == 2
    assert words in capsys.readouterr().err
    assert sorted(p.name for p in Path("tiny").iterdir()) == before


def test_a_folder_with_other_things_is_refused_before_the_work(
    empty: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine").mkdir()
    Path("mine/letter.txt").write_text("keep me", encoding="utf-8")
    monkeypatch.setattr(settling.SettleJob, "run", lambda *a: pytest.fail("the work was begun"))
    assert settle("tiny", "--resampling", "average", "--out", "mine") == 2
    assert "O02" in capsys.readouterr().err
    assert [p.name for p in Path("mine").iterdir()] == ["letter.txt"]


def test_an_interrupt_leaves_no_half_written_files(
    empty: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settle("tiny", "--resampling", "average", "--origins", "2", "--out", "out") == 0
    kept = {p.name: p.read_bytes() for p in Path("out").iterdir()}
    plain, done = settling.conductance_gains, []

    def stopped(*arguments):
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(settling, "conductance_gains", stopped)
    assert settle("tiny", "--resampling", "average", "--origins", "2", "--out", "out") == 130
    assert {p.name: p.read_bytes() for p in Path("out").iterdir()} == kept
    assert sorted(p.name for p in empty.iterdir()) == ["out", "tiny"]
    done.clear()
    assert settle("tiny", "--resampling", "average", "--origins", "2", "--out", "new") == 130
    assert sorted(p.name for p in empty.iterdir()) == ["out", "tiny"]


def test_the_sample_with_large_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(GOBI, tmp_path / "gobi")
    path = tmp_path / "gobi" / "project.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("cell_size_m = 5000", "cell_size_m = 40000").replace(
            "length_km = 25", "length_km = 100"
        ),
        encoding="utf-8",
    )
    assert settle(str(path), "--levels", "2", "--origins", "3", "--species", "mongolian_gazelle") == 0
    out = capsys.readouterr().out
    assert "khulan" not in out
    table = pd.read_csv(path.parent / "settled" / "settle.csv")
    assert table["species"].unique().tolist() == ["mongolian_gazelle"]
    assert table["cells_long"].tolist() == [2.5, 5.0]
