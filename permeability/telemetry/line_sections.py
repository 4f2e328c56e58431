"""Sections of equal length along lines, the same however the lines were cut into rows or drawn.

Rows of one line are joined wherever they go on; the pieces left over lie half at either end, so that no direction is preferred.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers, substring
from permeability.telemetry.line_index import joined_lines

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sections:
    """Sections in order along the lines.

    Attributes
    ----------
    table : GeoDataFrame
        ``barrier`` (id of the row at its middle), ``line``, ``km`` (of its middle), the stretch.
    parts : array of LineString
        Joined rows of the lines.
    line : array of str, shape (parts,)
    first, count : array of int, shape (parts,)
        Number of the first section of each part, and how many it has.
    skip_m : array, shape (parts,)
        Left over at either end [m].
    length_m : float

    Examples
    --------
    >>> import permeability as pm
    >>> found = sections(pm.telemetry.samples.walk()[1], 2000.0)
    >>> found.table["km"].tolist(), found.skip_m.tolist()
    ([1.5, 3.5], [500.0])
    """

    table: gpd.GeoDataFrame
    parts: NDArray[np.object_]
    line: NDArray[np.object_]
    first: Ints
    count: Ints
    skip_m: Floats
    length_m: float

    def at(self, line: NDArray[np.object_], places: NDArray[np.object_]) -> Ints:
        """Section of places on lines; -1 where there is none.

        Parameters
        ----------
        line : array of str, shape (places,)
        places : array of Point

        Returns
        -------
        array of int, shape (places,)
        """
        out = np.full(len(places), -1, np.int64)
        for name in np.unique(np.asarray(line, dtype=str)):
            mine, there = np.flatnonzero(line == name), np.flatnonzero(self.line == name)
            if len(there) == 0:
                continue
            part = there[np.argmin(shapely.distance(places[mine][:, None], self.parts[there]), axis=1)]
            along = shapely.line_locate_point(self.parts[part], places[mine])
            number = np.floor((along - self.skip_m[part]) / self.length_m).astype(np.int64)
            out[mine] = np.where((number >= 0) & (number < self.count[part]), self.first[part] + number, -1)
        return out


def sections(barriers: Barriers, length_m: float) -> Sections:
    """Cut lines into sections of one length.

    Parameters
    ----------
    barriers : Barriers
        Rows that share a ``line`` are one line.
    length_m : float
        [m].

    Returns
    -------
    Sections

    Examples
    --------
    >>> import permeability as pm
    >>> len(sections(pm.telemetry.samples.walk()[1], 250.0).table)
    20
    """
    table = barriers.table
    shapes, ids = table.geometry.to_numpy(), table["id"].astype(str).to_numpy(dtype=object)
    names = table["line"].astype(str).to_numpy(dtype=object)
    parts: list[shapely.LineString] = []
    lines: list[str] = []
    stretches: list[shapely.Geometry] = []
    facts: list[tuple[str, str, float]] = []
    count: list[int] = []
    for name in sorted(set(names)):
        rows = np.flatnonzero(names == name)
        for part in joined_lines(shapes[rows]):
            n = int((part.length + 1e-6) // length_m)
            skip = (part.length - n * length_m) / 2
            here = [
                substring(part, max(skip + k * length_m, 0.0), min(skip + (k + 1) * length_m, part.length))
                for k in range(n)
            ]
            for stretch in here:
                middle = shapely.line_interpolate_point(stretch, 0.5, normalized=True)
                row = int(rows[np.argmin(shapely.distance(shapes[rows], middle))])
                along = float(shapely.line_locate_point(shapes[row], middle))
                facts.append((str(ids[row]), str(name), float(barriers.chainages[row].km_at(along))))
            parts.append(part)
            lines.append(str(name))
            count.append(n)
            stretches += here
    found = gpd.GeoDataFrame(
        {
            "barrier": [f[0] for f in facts],
            "line": [f[1] for f in facts],
            "km": np.asarray([f[2] for f in facts]),
        },
        geometry=stretches,
        crs=table.crs,
    )
    counts = np.asarray(count, dtype=np.int64)
    lengths = np.asarray([p.length for p in parts])
    return Sections(
        found, np.asarray(parts, dtype=object), np.asarray(lines, dtype=object), np.cumsum(counts) - counts, counts,
        (lengths - counts * length_m) / 2, float(length_m),
    )  # fmt: skip
