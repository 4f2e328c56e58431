"""A disk without room is told as that, whichever library met it, and leaves what was there."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

import permeability as pm
from permeability.core import disk_room
from permeability.core.disk_room import room_refused
from permeability.core.errors import OptionError
from permeability.layers.whole_files import whole_folder, write_text

RUN = """
import resource, sys
import permeability as pm
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
pm.run_project(sys.argv[1], sys.argv[2], report=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("most", [500, 20_000])
def test_a_limit_of_file_sizes_is_told_as_no_room(tmp_path: Path, most: int) -> None:
    """500 bytes: a table of text; 20,000: the GeoPackage, where GDAL keeps the reason to itself."""
    project, results = pm.samples.tiny_project(tmp_path / "tiny"), tmp_path / "results"
    pm.run_project(project, results, report=False)
    before = {p.name: p.read_bytes() for p in results.iterdir() if p.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(project), str(results), str(most)], capture_output=True, text=True
    )
    assert "OptionError: OptionError [O12]: there is no room" in done.stderr
    assert {p.name: p.read_bytes() for p in results.iterdir() if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != ".results-steps") == ["results", "tiny"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_the_cause_counts_however_deep_it_lies(tmp_path: Path, number: int) -> None:
    silent = RuntimeError("GDAL says nothing")
    silent.__cause__ = OSError(number, "no room")
    with (
        pytest.raises(OptionError, match=r"(?s)O12.*'map.tif'.*--resume"),
        room_refused(tmp_path / "map.tif"),
    ):
        raise silent


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="rights"), room_refused(tmp_path / "a"):
        raise OSError(errno.EACCES, "no rights")
    with pytest.raises(ZeroDivisionError), room_refused(tmp_path / "a"):
        raise ZeroDivisionError


def test_a_folder_without_room_leaves_the_earlier_one(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "out", "mark") as aside:
        write_text(aside / "mark", "first")
    with pytest.raises(OptionError, match="O12"), whole_folder(tmp_path / "out", "mark"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "out" / "mark").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def _of_gdal(text: str) -> Exception:
    """An error as rasterio raises it: of its module, without a number of the system."""
    return type("RasterioIOError", (Exception,), {"__module__": "rasterio.errors"})(text)


def test_what_a_library_of_files_says_in_words_counts(tmp_path: Path) -> None:
    with (
        pytest.raises(OptionError, match=r"(?s)O12.*No space left on device"),
        room_refused(tmp_path / "a.tif"),
    ):
        raise _of_gdal("write failed: No space left on device")
    with pytest.raises(RuntimeError, match="no space left"), room_refused(tmp_path / "a.tif"):
        raise RuntimeError("no space left in the queue")  # no library that writes files


def test_a_silent_library_is_believed_only_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Exception, match="block 7"), room_refused(tmp_path / "a.tif"):
        raise _of_gdal("could not write block 7")
    assert list(tmp_path.iterdir()) == []  # what was tried is gone

    def full(*told: object, **more: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk_room.tempfile, "TemporaryFile", full)
    with pytest.raises(OptionError, match=r"(?s)O12.*block 7"), room_refused(tmp_path / "a.tif"):
        raise _of_gdal("could not write block 7")
