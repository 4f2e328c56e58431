"""The memory that `plan` foretells: never nothing, more for more, and what a run takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

import permeability as pm
from permeability.layers.grid import Grid
from permeability.project.run.effort import PROGRAM_BYTES, peak_bytes, plan_project, plan_species

RUN = """
import sys
from pathlib import Path
import permeability as pm
pm.run_project(sys.argv[1], sys.argv[2])
status = Path("/proc/self/status").read_text().split()  # ru_maxrss would begin at the size of the process that started this one
print(int(status[status.index("VmHWM:") + 1]) / 1024)
"""


def tiny(folder: Path) -> Path:
    made = Path(pm.samples.tiny_project(str(folder)))
    return made if made.suffix == ".toml" else made / "project.toml"


def told(path: Path) -> float:
    """The peak in MiB."""
    (peak,) = re.findall(r"peak memory about ([\d,]+) MiB", plan_project(path))
    return float(peak.replace(",", ""))


def finer(path: Path, cell_m: float) -> pm.Project:
    project = pm.open_project(path)
    grid = project.spec.grid.model_copy(update={"cell_size_m": cell_m})
    layer = project.spec.layers["resistance"].model_copy(update={"resampling": "nearest"})
    layers = {**project.spec.layers, "resistance": layer}
    return pm.Project(project.path, project.spec.model_copy(update={"grid": grid, "layers": layers}))


def test_no_plan_says_nothing(tmp_path: Path) -> None:
    path = tiny(tmp_path / "p")
    assert told(path) * 2**20 >= PROGRAM_BYTES
    assert plan_species(pm.open_project(path), "khulan").peak_bytes > 0
    for size, cells, fields in np.random.default_rng(1).integers(1, 10**7, (50, 3)):
        least = peak_bytes(size, cells, fields)
        assert least > 8 * size  # one field
        assert peak_bytes(size + 1000, cells, fields) > least
        assert peak_bytes(size, cells + 1000, fields) > least
        assert peak_bytes(size, cells, fields + 1) > least


def test_smaller_cells_take_more(tmp_path: Path) -> None:
    path = tiny(tmp_path / "p")
    peaks = [plan_species(finer(path, cell), "khulan").peak_bytes for cell in (1000, 500, 250)]
    assert peaks == sorted(set(peaks))
    assert peaks[2] == pytest.approx(16 * peaks[0], rel=0.1)


def test_reading_a_fine_raster_counts(tmp_path: Path) -> None:
    path = tiny(tmp_path / "p")
    before = told(path)
    coarse = pm.open_project(path).grid
    fine = Grid.from_bounds(coarse.bounds, cell_size=4, crs=coarse.crs)
    with rasterio.open(
        path.parent / "fine.tif", "w", driver="GTiff", width=fine.cols, height=fine.rows, count=1, dtype="uint8", compress="deflate", tiled=True,
        crs=fine.crs.to_wkt(), transform=fine.transform,
    ) as out:  # fmt: skip
        out.write(np.ones(fine.shape, "uint8"), 1)
    path.write_text(
        path.read_text().replace('path = "resistance.tif"', 'path = "fine.tif"\nresampling = "average"')
    )
    assert told(path) > before + 10


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_run_takes_what_was_foretold(tmp_path: Path) -> None:
    path = tiny(tmp_path / "p")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(tmp_path / "results")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told(path) == pytest.approx(float(done.stdout.split()[-1]), rel=0.25)
