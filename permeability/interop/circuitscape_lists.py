"""Text lists of Circuitscape: points, links, node values, strengths, pairs, reclassification tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import InteropError, nearest
from permeability.engines.circuit.modes.pair_selection import PairSelection
from permeability.engines.circuit.modes.raster_circuit import FocalCells
from permeability.layers.exchange_grids import RasterFile, cells_of_points, read_text


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers of a list: ``values``, shape (n, columns), and the line (from 1) of every row."""

    values: NDArray[np.float64]
    lines: list[int]
    path: Path

    def whole(self, *columns: int) -> NDArray[np.int64]:
        """Columns that must hold whole numbers.

        Raises
        ------
        InteropError
            [X07] other values, with their lines.
        """
        part = self.values[:, list(columns)]
        broken = (part != np.round(part)).any(axis=1)
        if broken.any():
            raise InteropError(
                "X07",
                f"'{self.path.name}': numbers of nodes must be whole.",
                layer=self.path.name,
                rows=[f"line {self.lines[k]}" for k in np.flatnonzero(broken)],
                remedy="number nodes 1, 2, 3, ...",
            )
        return part.astype(np.int64)


def read_table(path: Path, columns: int, form: str) -> Table:
    """Read lines of ``columns`` numbers, separated by blanks or tabs; empty lines are skipped.

    Parameters
    ----------
    path : Path
    columns : int
    form : str
        How a line should look, for messages: ``"value x y"``.

    Raises
    ------
    InteropError
        [X04] no such file; [X07] lines of another form, or none at all.
    """
    rows, lines, broken = [], [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            row = [float(w) for w in words]
        except ValueError:
            row = []
        if len(row) == columns and np.isfinite(row).all():
            rows.append(row)
            lines.append(number)
        else:
            broken.append(f"line {number}: {line.strip()[:60]!r}")
    if broken or not rows:
        raise InteropError(
            "X07",
            f"'{path.name}' must hold lines of the form '{form}'" + ("." if broken else "; it holds none."),
            layer=path.name,
            rows=broken,
            remedy=f"write {columns} number(s) a line, separated by blanks or tabs, with decimal points",
        )
    return Table(np.array(rows), lines, path)


def read_points(path: Path, like: RasterFile) -> NDArray[np.float64]:
    """Plane of a point list ``value x y``; NaN where no point lies; a later line on a cell replaces an
    earlier one.

    Raises
    ------
    InteropError
        [X04], [X07]; [X08] points outside the grid, with their lines.
    """
    values, row, col = _located(path, like)
    plane = np.full(like.shape, np.nan)
    for r, c, value in zip(row, col, values, strict=True):
        plane[r, c] = value
    return plane


def read_focal_points(path: Path, like: RasterFile) -> FocalCells:
    """Focal nodes of a point list ``number x y``: a cell may bear two numbers; 0 and negative ones are none.

    Raises
    ------
    InteropError
        [X04], [X07]; [X08] points outside the grid, with their lines.
    PatchError
        [C24] numbers that are not whole; [C23] fewer than two different ones.
    """
    values, row, col = _located(path, like)
    some = values > 0
    return FocalCells.of(values[some], row[some], col[some], like.shape)


def _located(
    path: Path, like: RasterFile
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Values of a point list ``value x y``, and the row and column of each."""
    table = read_table(path, 3, "value x y")
    row, col, inside = cells_of_points(table.values[:, 1], table.values[:, 2], like)
    if not inside.all():
        height, width = like.shape
        raise InteropError(
            "X08",
            f"{int((~inside).sum())} of {len(inside)} points of '{path.name}' lie outside the grid.",
            layer=path.name,
            rows=[
                f"line {table.lines[k]}: ({table.values[k, 1]:g}, {table.values[k, 2]:g})"
                for k in np.flatnonzero(~inside)
            ],
            details={
                "grid": f"x {like.xll:g} .. {like.xll + width * like.cell_size:g}, "
                f"y {like.yll:g} .. {like.yll + height * like.cell_size:g}"
            },
            remedy="use coordinates of the grid (value, x, y: in this order), or remove the points",
        )
    return table.values[:, 0], row, col


def read_links(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Links ``node node value`` of a network: node numbers, shape (m, 2), and values."""
    table = read_table(path, 3, "node node value")
    return table.whole(0, 1), table.values[:, 2]


def read_nodes(path: Path) -> NDArray[np.int64]:
    """Node numbers, one a line."""
    return read_table(path, 1, "node").whole(0)[:, 0]


def read_node_values(path: Path) -> dict[int, float]:
    """``node value`` lines; a later line for a node replaces an earlier one."""
    table = read_table(path, 2, "node value")
    return dict(
        zip((int(n) for n in table.whole(0)[:, 0]), (float(v) for v in table.values[:, 1]), strict=True)
    )


def read_reclass(path: Path) -> dict[float, float]:
    """``old new`` lines of a reclassification table.

    Raises
    ------
    InteropError
        [X04], [X07] (also: one old value with two new ones).
    """
    table = read_table(path, 2, "old new")
    new: dict[float, float] = {}
    for line, (old, value) in zip(table.lines, table.values, strict=True):
        if new.setdefault(float(old), float(value)) != value:
            raise InteropError(
                "X07",
                f"'{path.name}' gives {old:g} two new values.",
                layer=path.name,
                rows=[f"line {line}"],
                remedy="keep one line for each old value",
            )
    return new


def read_pairs(path: Path, *, zero_is_node: bool = False) -> PairSelection:
    """Pairs to include or exclude: a list after ``mode include|exclude``, or a matrix after ``min`` and
    ``max``.

    Parameters
    ----------
    path : Path
    zero_is_node : bool
        In networks 0 is a node; in rasters lines with 0 name their other number only.

    Raises
    ------
    InteropError
        [X04] no such file; [X07] neither form; [X02] unknown mode.
    """
    lines = [(n, line.split()) for n, line in enumerate(read_text(path).splitlines(), 1) if line.split()]
    word = lines[0][1][0].lower() if lines else ""
    if word == "mode":
        return _pair_list(path, lines, zero_is_node)
    if word in ("min", "max"):
        return _pair_matrix(path, lines)
    raise InteropError(
        "X07",
        f"'{path.name}' begins neither with 'mode include', 'mode exclude' nor with 'min'.",
        layer=path.name,
        remedy="begin a list with 'mode include' or 'mode exclude', a matrix with 'min a' and 'max b'",
    )


def _pair_list(path: Path, lines: list[tuple[int, list[str]]], zero_is_node: bool) -> PairSelection:
    first = lines[0][1]
    mode = first[1].lower() if len(first) == 2 else ""
    if mode not in ("include", "exclude"):
        guess = nearest(mode, ("include", "exclude"))
        raise InteropError(
            "X02",
            f"'{path.name}', line {lines[0][0]}: mode {' '.join(first[1:])!r} is not known.",
            layer=path.name,
            remedy=f"did you mean {guess!r}?" if guess else "write 'mode include' or 'mode exclude'",
        )
    pairs, named = [], set()
    for number, words in lines[1:]:
        a, b = _whole_pair(path, number, words)
        named |= {n for n in (a, b) if n != 0 or zero_is_node}
        if (a != 0 and b != 0) or zero_is_node:
            pairs.append((a, b))
    return PairSelection.of(mode, pairs, named)


def _whole_pair(path: Path, number: int, words: list[str]) -> tuple[int, int]:
    try:
        a, b = (float(w) for w in words)
    except ValueError:
        a, b = 0.5, 0.5
    if a != int(a) or b != int(b):
        raise InteropError(
            "X07",
            f"'{path.name}', line {number} is not a pair of whole numbers: {' '.join(words)!r}.",
            layer=path.name,
            remedy="write two focal numbers a line",
        )
    return int(a), int(b)


def _pair_matrix(path: Path, lines: list[tuple[int, list[str]]]) -> PairSelection:
    limits: dict[str, float] = {}
    rows = []
    for number, words in lines:
        try:
            if words[0].lower() in ("min", "max") and len(words) == 2:
                limits[words[0].lower()] = float(words[1])
            else:
                rows.append([float(w) for w in words])
        except ValueError:
            raise _matrix_error(path, f"line {number} holds words") from None
    if len(limits) != 2:
        raise _matrix_error(path, "'min' or 'max' is missing")
    n = len(rows)
    if n < 2 or any(len(r) != n for r in rows):
        widths = sorted({len(r) for r in rows})
        raise _matrix_error(path, f"the table is not square: {n} rows with {widths} entries")
    table = np.array(rows)
    ids = table[0, 1:]
    if (
        not np.array_equal(ids, table[1:, 0])
        or len(np.unique(ids)) != len(ids)
        or (ids != np.round(ids)).any()
    ):
        raise _matrix_error(
            path, "the first row and the first column must hold the same different whole numbers"
        )
    value = table[1:, 1:]
    good = (value >= limits["min"]) & (value <= limits["max"])
    good |= good.T
    numbers = [int(i) for i in ids]
    pairs = [(numbers[i], numbers[j]) for i, j in zip(*np.nonzero(np.triu(good, 1)), strict=True)]
    return PairSelection.of("include", pairs, numbers)


def _matrix_error(path: Path, what: str) -> InteropError:
    return InteropError(
        "X07",
        f"'{path.name}': {what}.",
        layer=path.name,
        remedy="write 'min a', 'max b', then a square table with the focal numbers in first row and column",
    )
