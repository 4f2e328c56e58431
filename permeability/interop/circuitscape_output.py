"""Result files of Circuitscape: the same names and formats, written aside and moved into place when all is
done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import InteropError
from permeability.engines.circuit.modes.network import BranchValues, NodeValues
from permeability.layers.exchange_grids import RasterFile, write_ascii_grid, write_geotiff

Floats = NDArray[np.float64]

SMALLEST_BRANCH = 1e-6  # branch currents below this are not listed [A]


class Outputs:
    """Results of one run in a hidden folder beside their place; :meth:`publish` moves them there.

    Parameters
    ----------
    output : Path
        ``output_file``; its extension ``.out`` is taken off for all other names.
    grid : RasterFile, optional
    as_tif, compress : bool
        GeoTIFF, or gzip of ASCII grids.
    """

    def __init__(
        self, output: Path, grid: RasterFile | None = None, *, as_tif: bool = False, compress: bool = False
    ) -> None:
        self.output, self.grid = output, grid
        self.stem = output.name[:-4] if output.name.lower().endswith(".out") else output.name
        self.suffix = ".tif" if as_tif else ".asc.gz" if compress else ".asc"
        self.names: list[str] = []

    def __enter__(self) -> Outputs:
        self.made = [p for p in (self.output.parent, *self.output.parent.parents) if not p.exists()]
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            self.aside = Path(tempfile.mkdtemp(prefix=f".{self.stem}-unfinished-", dir=self.output.parent))
        except OSError as error:
            raise InteropError(
                "X11",
                f"nothing can be written to '{self.output.parent}': {error.strerror}.",
                remedy="choose another output folder",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.aside, ignore_errors=True)
        if error is not None:
            for folder in self.made:
                with suppress(OSError):  # somebody else may have put a file there
                    folder.rmdir()

    def publish(self) -> list[Path]:
        """Move all files into place."""
        paths = []
        for name in self.names:
            target = self.output.parent / name
            os.replace(self.aside / name, target)
            paths.append(target)
        return paths

    def _new(self, name: str) -> Path:
        self.names.append(name)
        return self.aside / name

    def raster(self, kind: str, plane: Floats, key: Sequence[int] = ()) -> None:
        """One map: ``kind`` ``curmap``, ``voltmap``, ``cum_curmap`` or ``max_curmap``; NaN becomes -9999."""
        assert self.grid is not None
        name = "_".join([self.stem, kind, *(str(k) for k in key)])
        path = self._new(name + self.suffix)
        if self.suffix == ".tif":
            write_geotiff(path, plane, self.grid)
            return
        write_ascii_grid(path, plane, self.grid)
        if self.grid.crs is not None:
            self._new(name + ".prj").write_text(self.grid.crs.to_wkt(version="WKT1_ESRI"), encoding="utf-8")

    def pairs(self, ids: NDArray[np.int64], resistance: Floats) -> None:
        """The square table and its three-column twin; -1 = not connected or not asked for."""
        table = np.where(np.isfinite(resistance), resistance, -1.0)
        lines = [" ".join(["0", *(str(i) for i in ids)])]
        lines += [f"{i} {' '.join(number(v) for v in row)}" for i, row in zip(ids, table, strict=True)]
        self.text(f"{self.stem}_resistances.out", lines)
        n = len(ids)
        self.text(
            f"{self.stem}_resistances_3columns.out",
            [f"{ids[i]} {ids[j]} {number(table[i, j])}" for i in range(n) for j in range(i + 1, n)],
        )

    def each(self, ids: NDArray[np.int64], values: Floats) -> None:
        """``id value`` lines; -1 = not solved."""
        shown = np.where(np.isfinite(values), values, -1.0)
        self.text(
            f"{self.stem}_resistances.out", [f"{i} {number(v)}" for i, v in zip(ids, shown, strict=True)]
        )

    def nodes(self, kind: str, values: NodeValues, key: Sequence[object] = ()) -> None:
        """``node value`` lines."""
        name = "_".join([self.stem, kind, *(str(k) for k in key)])
        self.text(name + ".txt", [f"{n} {number(v)}" for n, v in zip(values.node, values.value, strict=True)])

    def branches(self, values: BranchValues, key: Sequence[object] = ()) -> None:
        """``node node current`` lines of all branches that carry at least 1e-6 A."""
        name = "_".join([self.stem, "branch_currents", *(str(k) for k in key)])
        rows = zip(values.first, values.second, values.value, strict=True)
        self.text(name + ".txt", [f"{a} {b} {number(v)}" for a, b, v in rows if v >= SMALLEST_BRANCH])

    def text(self, name: str, lines: Iterable[str]) -> None:
        """A text file."""
        self._new(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def number(value: float) -> str:
    """A number of a table: twelve digits.

    >>> number(0.1), number(3.0)
    ('0.1', '3')
    """
    return f"{value:.12g}"
