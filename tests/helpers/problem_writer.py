"""Writes problem folders for tests: options in any order, case and layout that means the same."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

Cell = tuple[int, int]

HEADER = "ncols {1}\nnrows {0}\nxllcorner 7.5\nyllcorner -20\ncellsize 2.5\nNODATA_value -9999\n"
SPELLINGS = {True: ("True", "true", "TRUE", "1"), False: ("False", "false", "FALSE", "0")}


def same(got: Any, expected: Any, told: object = "") -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9, err_msg=str(told))


class Writer:
    """A problem folder; options are written in any order, case and layout that means the same."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.folder, self.rng = folder, rng
        self.options: dict[str, str] = {}

    def flag(self, name: str, value: bool) -> bool:
        self.options[name] = str(self.rng.choice(SPELLINGS[bool(value)]))
        return bool(value)

    def grid(self, key: str, values: np.ndarray) -> None:
        """A raster as ASCII grid, the same compressed, or GeoTIFF."""
        filled = np.nan_to_num(values.astype(float), nan=-9999)
        suffix = str(self.rng.choice([".asc", ".asc", ".asc.gz", ".tif"]))
        path = self.folder / f"{key}{suffix}"
        self.options[key] = path.name
        if suffix == ".tif":
            profile = {"driver": "GTiff", "height": len(filled), "width": filled.shape[1], "count": 1}
            origin = Affine(2.5, 0.0, 7.5, 0.0, -2.5, -20 + 2.5 * len(filled))
            with rasterio.open(path, "w", dtype="float64", nodata=-9999, transform=origin, **profile) as file:
                file.write(filled, 1)
            return
        rows = "\n".join(" ".join(f"{v!r}" for v in row) for row in filled.tolist())
        content = (HEADER.format(*values.shape) + rows + "\n").encode()
        path.write_bytes(gzip.compress(content) if suffix == ".asc.gz" else content)

    def text(self, key: str, lines: list[str]) -> None:
        ending = str(self.rng.choice(["\n", "\r\n"]))
        (self.folder / f"{key}.txt").write_bytes((ending.join(lines) + ending).encode())
        self.options[key] = f"{key}.txt"

    def point_list(self, key: str, points: list[tuple[float, Cell]], shape: Cell) -> None:
        lines = []
        for value, (row, col) in points:
            x = 7.5 + 2.5 * (col + self.rng.uniform(0.1, 0.9))
            y = -20 + 2.5 * (shape[0] - row - self.rng.uniform(0.1, 0.9))
            lines.append(f"{value!r}\t{x!r} {y!r}")
        self.text(key, lines)

    def ini(self) -> Path:
        names = list(self.options)
        self.rng.shuffle(names)
        lines = ["[Circuitscape mode]", "; a comment", ""]
        for name in names:
            sign = str(self.rng.choice([" = ", "=", "\t=\t"]))
            lines.append(f"{name.upper() if self.rng.random() < 0.1 else name}{sign}{self.options[name]}  ")
            if self.rng.random() < 0.1:
                lines.append("\n[Section of another name]")
        ending = str(self.rng.choice(["\n", "\r\n"]))
        mark = b"\xef\xbb\xbf" if self.rng.random() < 0.3 else b""
        path = self.folder / "problem.ini"
        path.write_bytes(mark + ending.join(lines).encode())
        return path
