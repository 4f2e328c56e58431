"""Moving windows from file to file: the same tasks and bits as in memory, read box by box, resumable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from permeability.core.errors import InteropError, OptionError, ResistanceError
from permeability.core.tasks import Progress, content_hash
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional import Condition, WindowOptions, omnidirectional, prepare
from permeability.engines.omnidirectional.slabs import Piece, SlabJob, SlabProblem, SlabTasks
from permeability.engines.omnidirectional.tasks import Box, WindowTasks
from permeability.interop.raster_windows import omnidirectional_files, open_raster
from permeability.layers.exchange_grids import RasterFile, read_raster, write_ascii_grid, write_geotiff
from permeability.layers.raster_rows import geotiff_rows

SHAPE = (43, 61)


def landscape(seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    r = 10 ** rng.uniform(0, 2, SHAPE)
    r[rng.random(SHAPE) < 0.1] = np.nan
    r[:, 20:31] = np.nan  # squares without a target in between
    r[5:30, 24] = 3.0
    return r


def fence() -> EdgeBarriers:
    cell = np.arange(50) * 37 % (SHAPE[0] - 1) * SHAPE[1] + np.arange(50) % 58 + 1
    cell = np.unique(cell)
    ohm = np.where(np.arange(len(cell)) % 5 == 0, np.inf, 40.0)
    return EdgeBarriers(cell, np.full(len(cell), 1, np.uint8), ohm, ohm)


def write(path: Path, values: np.ndarray) -> Path:
    size = 250.0
    place = Affine(size, 0.0, 5000.0, 0.0, -size, 8000.0)
    like = RasterFile(
        values, size, 5000.0, 8000.0 - size * values.shape[0], None, rasterio.CRS.from_epsg(32648), place
    )
    return (
        write_geotiff(path, values, like) if path.suffix == ".tif" else write_ascii_grid(path, values, like)
    )


@dataclass
class Arrays:
    """Layers in memory that note what is asked of them."""

    values: np.ndarray
    strength: np.ndarray | None = None
    conditions: tuple[Condition, ...] = ()
    asked: list[Box] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    def read(self, box: Box) -> Piece:
        self.asked.append(box)
        part = np.s_[box[0] : box[1], box[2] : box[3]]
        rules = [
            Condition(
                np.asarray(c.present)[part],
                c.comparison,
                c.lower,
                c.upper,
                None if c.future is None else np.asarray(c.future)[part],
            )
            for c in self.conditions
        ]
        return Piece(self.values[part], None if self.strength is None else self.strength[part], tuple(rules))


def conditions() -> tuple[Condition, ...]:
    rng = np.random.default_rng(8)
    return (
        Condition(rng.uniform(0, 9, SHAPE), "within", -2.0, 3.0, rng.uniform(0, 9, SHAPE)),
        Condition(rng.integers(0, 3, SHAPE).astype(float), "equal"),
    )


@pytest.mark.parametrize("block", [1, 3, 5])
@pytest.mark.parametrize("rules", [(), conditions()])
@pytest.mark.parametrize("given", [True, False])
def test_tasks_are_those_of_the_landscape_in_memory(block: int, rules: Any, given: bool) -> None:
    """Content and order: so results, and what a store holds, can be exchanged between the two."""
    r = landscape()
    strength = np.random.default_rng(1).random(SHAPE) if given else None
    options = WindowOptions(radius=4, buffer=1, block_size=block)
    whole = WindowTasks(
        prepare(r, options, strength=strength, threshold=0.3, cutoff=60, conditions=rules, barriers=fence())
    )
    layers = Arrays(r, strength, rules)
    boxes = SlabTasks(SlabProblem(options, layers, fence(), threshold=0.3, cutoff=60))
    assert len(boxes) == len(whole)
    assert len(boxes) > 1
    assert boxes.weights == whole.weights
    for one, other in zip(boxes, whole):
        assert content_hash(one) == content_hash(other)
    assert [content_hash(t) for t in boxes[-2:]] == [content_hash(t) for t in whole[-2:]]


def test_no_reading_is_larger_than_a_strip_and_rows_come_once() -> None:
    layers = Arrays(landscape())
    options = WindowOptions(radius=3, block_size=1)  # squares of 8 cells
    seen: list[tuple[int, int]] = []
    SlabJob(SlabProblem(options, layers)).run(lambda top, maps: seen.append((top, len(maps["current"]))))
    survey = [box for box in layers.asked if box[2:] == (0, SHAPE[1])]
    tasks = [box for box in layers.asked if box[2:] != (0, SHAPE[1])]
    assert max(b - t for t, b, _, _ in survey) <= 8 + 2 * 3
    assert len(tasks) > 10
    assert max(max(b - t, right - left) for t, b, left, right in tasks) <= 8 + 2 * 3
    assert [top for top, _ in seen] == np.cumsum([0, *(n for _, n in seen)]).tolist()[:-1]
    assert sum(n for _, n in seen) == SHAPE[0]


@pytest.mark.parametrize("suffix", [".tif", ".asc"])
def test_files_give_the_bits_of_arrays(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"r{suffix}", landscape())
    on_disk = read_raster(path).values  # ten digits in a text file
    options: dict[str, Any] = {
        "radius": 5, "block_size": 3, "barriers": fence(), "flow_potential": True, "normalised": True,
        "reclass": [(3.0, 7.0)],
    }  # fmt: skip
    expected = omnidirectional(on_disk, **options)
    found = omnidirectional_files(path, tmp_path / "out", workers=2, **options)
    assert (found.windows, found.lost) == (expected.windows, expected.lost)
    for file, values in zip(found.files, (expected.current, expected.flow_potential, expected.normalised)):
        got = read_raster(file)
        assert np.array_equal(got.values, values, equal_nan=True)
        assert got.transform == read_raster(path).transform
    assert read_raster(found.files[0]).crs == (rasterio.CRS.from_epsg(32648) if suffix == ".tif" else None)


def test_an_interrupted_run_leaves_no_map_and_goes_on(tmp_path: Path) -> None:
    path, how = write(tmp_path / "r.tif", landscape()), {"radius": 4, "store": tmp_path / "kept"}

    def stop(progress: Progress) -> None:
        if progress.done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        omnidirectional_files(path, tmp_path / "out", progress=stop, **how)
    assert not list((tmp_path / "out").iterdir())
    told: list[Progress] = []
    found = omnidirectional_files(path, tmp_path / "out", progress=told.append, **how)
    assert told[-1].restored >= 7
    fresh = omnidirectional_files(path, tmp_path / "anew", radius=4)
    assert found.files[0].read_bytes() == fresh.files[0].read_bytes()


def test_cells_are_counted_over_the_whole_raster_before_anything_is_written(tmp_path: Path) -> None:
    r = landscape()
    r[2, 3] = r[40, 50] = 0.0
    r[41, 2] = -1.0
    with pytest.raises(ResistanceError, match=r"R01(.|\n)*r\.tif") as refused:
        omnidirectional_files(write(tmp_path / "r.tif", r), tmp_path / "out", radius=3)
    assert {"2 cells", "1 cells"} <= set(refused.value.details.values())
    strength = np.where(np.arange(SHAPE[0])[:, None] % 20 == 5, np.inf, 1.0) * np.ones(SHAPE)
    with pytest.raises(OptionError, match=r"W14.*122 source strengths(.|\n)*s\.tif"):
        omnidirectional_files(
            write(tmp_path / "r.tif", landscape()),
            tmp_path / "out",
            radius=3,
            strength=write(tmp_path / "s.tif", strength),
        )
    with pytest.raises(ResistanceError, match="R02"):
        omnidirectional_files(write(tmp_path / "n.tif", np.full(SHAPE, np.nan)), tmp_path / "out", radius=3)
    with pytest.raises(InteropError, match="X20"):
        omnidirectional_files(
            tmp_path / "r.tif", tmp_path / "out", radius=3, strength=write(tmp_path / "t.tif", strength[:-1])
        )
    assert not (tmp_path / "out").exists()


def test_a_raster_is_read_in_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", landscape())
    part, whole = open_raster(path), read_raster(path)
    assert part.held is None
    assert (part.shape, part.cell_size, part.xll, part.yll) == (SHAPE, 250.0, whole.xll, whole.yll)
    assert np.array_equal(part.read((3, 9, 50, 61)), whole.values[3:9, 50:61], equal_nan=True)
    part.close()
    assert np.array_equal(part.read((0, 43, 0, 61)), whole.values, equal_nan=True)
    part.close()


def test_a_file_written_in_parts_is_the_file_written_at_once(tmp_path: Path) -> None:
    values = landscape()
    like = read_raster(write(tmp_path / "r.tif", values))
    with geotiff_rows(tmp_path / "parts.tif", like) as rows:
        for top in range(0, SHAPE[0], 7):
            assert not (tmp_path / "parts.tif").exists()
            rows(top, values[top : top + 7])
    assert np.array_equal(read_raster(tmp_path / "parts.tif").values, values, equal_nan=True)
    with pytest.raises(ZeroDivisionError), geotiff_rows(tmp_path / "none.tif", like) as rows:
        rows(0, values[:5] / (1 // 0))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["parts.tif", "r.tif"]
