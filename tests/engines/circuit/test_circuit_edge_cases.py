"""Grids at the edge of what a circuit can be, through both public doors: the array call and the problem file.

The oracle eliminates every node but the two by the star-mesh rule, whose pivots are sums and never differences, so
it is exact to rounding at any contrast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from permeability.cli.commands import main
from permeability.engines.circuit import pairwise

Floats = NDArray[np.float64]
SOLVERS = ("auto", "multigrid", "splu", "condensation")


def conductances(resistance: Floats, neighbours: int) -> Floats:
    """(n, n) conductance between all cells, cell by cell from the definition."""
    rows, cols = resistance.shape
    out = np.zeros((resistance.size, resistance.size))
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)][: neighbours // 2]
    for r, c in np.argwhere(np.isfinite(resistance)):
        for dr, dc in steps:
            r2, c2 = r + dr, c + dc
            if r2 < rows and 0 <= c2 < cols and np.isfinite(resistance[r2, c2]):
                g = 2.0 / (resistance[r, c] + resistance[r2, c2]) / np.hypot(dr, dc)
                out[r * cols + c, r2 * cols + c2] = out[r2 * cols + c2, r * cols + c] = g
    return out


def between(g: Floats, first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Effective resistance between two groups of shorted cells; inf where nothing joins them."""
    for group in (first, second):
        for k in group[1:]:
            g[group[0]] += g[k]
            g[:, group[0]] += g[:, k]
            g[k], g[:, k] = 0.0, 0.0
    np.fill_diagonal(g, 0.0)
    for k in set(range(len(g))) - {int(first[0]), int(second[0])}:
        row = g[k].copy()
        if row.any():
            g += np.outer(row, row) / row.sum()
        g[k], g[:, k] = 0.0, 0.0
        np.fill_diagonal(g, 0.0)
    direct = g[first[0], second[0]]
    return 1.0 / direct if direct > 0 else np.inf


def oracle(resistance: Floats, labels: NDArray[np.int64], neighbours: int) -> Floats:
    ids = np.unique(labels[labels > 0])
    cells = [np.flatnonzero(labels.reshape(-1) == k) for k in ids]
    out = np.zeros((len(ids), len(ids)))
    for i in range(len(ids)):
        for j in range(i):
            found = between(conductances(resistance, neighbours), cells[i], cells[j])
            out[i, j] = out[j, i] = found
    return out


def points(shape: tuple[int, int], *at: tuple[int, int]) -> NDArray[np.int64]:
    labels = np.zeros(shape, np.int64)
    for k, cell in enumerate(at, 1):
        labels[cell] = k
    return labels


def maze(rows: int, cols: int) -> Floats:
    """Corridors one cell wide among nodata: every other column, joined at alternate ends."""
    out = np.full((rows, cols), np.nan)
    out[:, ::2] = 1.0
    out[-1, 1::4], out[0, 3::4] = 1.0, 1.0
    return out


def rough() -> Floats:
    """Twelve orders of magnitude cell by cell, with holes."""
    rng = np.random.default_rng(6)
    out = 10.0 ** rng.uniform(-3, 9, (9, 10))
    out[rng.random(out.shape) < 0.1] = np.nan
    out[0, 0] = out[-1, -1] = out[0, -1] = 1.0
    return out


def cases() -> dict[str, tuple[Floats, NDArray[np.int64], int]]:
    wall = np.ones((9, 11))
    wall[:, 5] = 1e9
    ring = np.ones((11, 11))
    ring[3:8, 3:8], ring[4:7, 4:7] = 1e9, 2.0
    board = np.where(np.indices((8, 9)).sum(axis=0) % 2 == 0, 1.0, 1e9)
    holes = np.where(board > 1, np.nan, board)
    islands = np.ones((6, 9))
    islands[:, 4] = np.nan
    cover = np.ones((6, 9), np.int64)
    cover[:, 4:] = 0
    cover[2, 7], cover[5, 8] = 2, 3
    whole = np.ones((4, 5), np.int64)
    whole[3, 4] = 2
    three = points((6, 9), (0, 0), (5, 3), (2, 7))
    return {
        "a wall of 1e9": (wall, points(wall.shape, (0, 0), (8, 10), (8, 0)), 8),
        "a pocket behind 1e9": (ring, points(ring.shape, (0, 0), (5, 5), (10, 10)), 8),
        "contrast 1e12": (rough(), points((9, 10), (0, 0), (8, 9), (0, 9)), 8),
        "a maze": (maze(13, 15), points((13, 15), (0, 0), (12, 14)), 8),
        "a maze of rooks": (maze(13, 15), points((13, 15), (0, 0), (12, 14)), 4),
        "a checkerboard of 1e9": (board, points(board.shape, (0, 0), (7, 7)), 8),
        "a checkerboard of holes": (holes, points(board.shape, (0, 0), (7, 7)), 8),
        "a checkerboard of holes for rooks": (holes, points(board.shape, (0, 0), (7, 7)), 4),
        "a single row": (np.array([[1.0, 5.0, 1e9, 2.0, 3.0]]), points((1, 5), (0, 0), (0, 4), (0, 1)), 8),
        "a single column": (
            np.array([[1.0], [5.0], [np.nan], [2.0]]),
            points((4, 1), (0, 0), (1, 0), (3, 0)),
            8,
        ),
        "two islands": (islands, three, 8),
        "a focal region covers its component": (islands, cover, 8),
        "a focal region covers all but one cell": (np.ones((4, 5)), whole, 8),
    }


CASES = cases()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CASES)
def test_through_arrays(name: str, solver: str) -> None:
    resistance, labels, neighbours = CASES[name]
    want = oracle(resistance, labels, neighbours)
    for current in (None, "cumulative"):
        found = pairwise(
            resistance, labels, neighbours=neighbours, shorting="apart", solver=solver, current=current
        )
        # by superposition a pair loses the digits by which the resistance to the common reference exceeds its own
        np.testing.assert_allclose(found.resistance, want, rtol=1e-8 if current is None else 1e-7)
        assert bool(found.report.notes) or np.isfinite(want).all()
    assert found.cumulative is not None
    assert np.isfinite(found.cumulative).all()


def grid_text(values: Any) -> str:
    rows, cols = values.shape
    head = f"ncols {cols}\nnrows {rows}\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    lines = [" ".join(repr(float(v)) for v in row) for row in np.where(np.isnan(values), -9999.0, values)]
    return head + "\n".join(lines) + "\n"


def problem_file(folder: Path, resistance: Floats, labels: NDArray[np.int64], neighbours: int) -> Path:
    (folder / "habitat.asc").write_text(grid_text(resistance), encoding="utf-8")
    focal = np.where(labels > 0, labels, -9999).astype(float)
    (folder / "focal.asc").write_text(grid_text(focal), encoding="utf-8")
    options = {
        "data_type": "raster",
        "scenario": "pairwise",
        "habitat_file": "habitat.asc",
        "habitat_map_is_resistances": "True",
        "connect_four_neighbors_only": str(neighbours == 4),
        "connect_using_avg_resistances": "True",
        "point_file": "focal.asc",
        "output_file": "result.out",
        "write_cum_cur_map_only": "True",
        "write_cur_maps": "True",
    }
    ini = folder / "problem.ini"
    lines = [f"{k} = {v}" for k, v in options.items()]
    ini.write_text("[Circuitscape mode]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return ini


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["circuitscape", *arguments])
    return int(done.value.code or 0)


@pytest.mark.parametrize("solver", ["multigrid", "direct"])
@pytest.mark.parametrize("name", CASES)
def test_through_the_command(
    name: str, solver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resistance, labels, neighbours = CASES[name]
    want = oracle(resistance, labels, neighbours)
    ini = problem_file(tmp_path, resistance, labels, neighbours)
    assert command(str(ini), "--solver", solver) == 0, capsys.readouterr().err
    table = np.loadtxt(tmp_path / "result_resistances.out")
    np.testing.assert_array_equal(table[1:, 0], np.unique(labels[labels > 0]))
    np.testing.assert_allclose(table[1:, 1:], np.where(np.isinf(want), -1.0, want), rtol=1e-8)
    assert (tmp_path / "result_cum_curmap.asc").exists()


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_cell_and_no_cell_through_arrays(solver: str) -> None:
    one = pairwise(np.ones((1, 1)), [(0, 0), (0, 0)], solver=solver)
    assert not one.resistance.any()
    none = pairwise(np.full((3, 4), np.nan), [(0, 0), (2, 3)], solver=solver)
    assert np.isinf(none.resistance[0, 1])
    assert "not connected" in none.report.notes[0]


@pytest.mark.parametrize(
    ("resistance", "labels", "code"),
    [
        (np.ones((1, 1)), points((1, 1), (0, 0)), "C23"),
        (np.full((2, 2), np.nan), points((2, 2), (0, 0), (1, 1)), "C26"),
    ],
    ids=["one cell", "all nodata"],
)
def test_one_cell_and_no_cell_through_the_command(
    resistance: Floats,
    labels: NDArray[np.int64],
    code: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A problem without a pair, or without a cell, is refused, and nothing is written."""
    ini = problem_file(tmp_path, resistance, labels, 8)
    assert command(str(ini)) == 2
    assert f"[{code}]" in capsys.readouterr().err
    assert not list(tmp_path.glob("result*"))
