"""Two writers of one output folder: the second is refused, nothing is lost, a killed one leaves the place free."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import permeability as pm
from permeability.core.errors import OptionError
from permeability.layers.folder_lock import folder_lock
from permeability.layers.whole_files import whole_folder, write_text

HOLD = """
import sys, time
from pathlib import Path
from permeability.layers.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def earlier(target: Path) -> None:
    with whole_folder(target, "record.json") as aside:
        write_text(aside / "record.json", "{}")


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "results"
    earlier(target)
    with whole_folder(target, "record.json") as aside:
        write_text(aside / "record.json", '{"by": "the first"}')
        with (
            pytest.raises(OptionError, match=r"O08.*another run is writing into 'results'(.|\n)*--out"),
            whole_folder(target, "record.json"),
        ):
            pass
        assert aside.is_dir()
    assert (target / "record.json").read_text() == '{"by": "the first"}'
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_threads_take_turns_or_are_refused(tmp_path: Path) -> None:
    inside, most, refused = [0], [0], [0]

    def one() -> None:
        for _ in range(30):
            try:
                with folder_lock(tmp_path / "out"):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0.0005)
                    inside[0] -= 1
            except OptionError:
                refused[0] += 1

    threads = [threading.Thread(target=one) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert most == [1]
    assert refused[0] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_leaves_the_place_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(OptionError, match=rf"O08(.|\n)*process {holder.pid}"), folder_lock(tmp_path / "out"):
        pass
    holder.kill()
    holder.wait()
    with folder_lock(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_had_moved_aside_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "results"
    earlier(target)
    target.rename(tmp_path / ".results-old")  # killed between the two renames
    (tmp_path / ".results-unfinished").mkdir()
    with pytest.raises(ZeroDivisionError), whole_folder(target, "record.json"):
        raise ZeroDivisionError
    assert (target / "record.json").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_two_runs_into_one_folder_one_whole_one_refused(tmp_path: Path) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    command = [sys.executable, "-m", "permeability", "run", str(project), "--out", str(tmp_path / "results")]
    both = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [b.communicate()[1] for b in both]
    assert sorted(b.returncode for b in both) == [0, 2]
    assert any("O08" in text for text in said)
    assert {"record.json", "summary.json", "pairs.csv", "report.html"} <= {
        p.name for p in (tmp_path / "results").iterdir()
    }
    kept = ".results-steps"  # for the next run
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != kept) == ["results", "tiny"]


def test_a_lock_is_gone_on_windows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There an open file cannot be removed: it is closed first."""
    there: list[bool] = []
    real = os.close

    def close(handle: int) -> None:
        there.append((tmp_path / ".out-lock").exists())
        real(handle)

    with folder_lock(tmp_path / "out"):
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(os, "close", close)
    assert there == [True]
    assert list(tmp_path.iterdir()) == []
