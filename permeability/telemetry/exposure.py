"""Kilometres worked along lines, and the number of crossings, for every animal and group of lines.

An animal that takes no notice of a line walks, per crossing, a length that geometry fixes: ``pi A / (2 L)`` for lines of length ``L``
whose buffer has the area ``A`` (``pi d`` for one long line and half width ``d``; Crofton's formula, Santaló 1976, doi:10.1017/CBO9780511617331).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.telemetry.line_classes import groups
from permeability.telemetry.line_crossings import both_errors, find_passages, line_codes
from permeability.telemetry.line_index import LineIndex, joined_lines, joined_spans
from permeability.telemetry.tracks import Tracks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Exposure:
    """What animals walked near lines and how often they crossed.

    Attributes
    ----------
    groups, animals : tuple of str
    km : array, shape (animals, groups)
        Walked within the buffer [km].
    crossings : array of int, shape (animals, groups)
    cuts : array of int, shape (animals, groups)
        Times that the way cut a line, whether that counts as a crossing or not.
    chord_km : array, shape (groups,)
        Walked within the buffer per crossing by an animal that takes no notice of the lines [km].

    Examples
    --------
    >>> Exposure(("stock",), ("a",), np.array([[2.4]]), np.array([[1]]), np.array([[3]]), np.array([0.3])).groups
    ('stock',)
    """

    groups: tuple[str, ...]
    animals: tuple[str, ...]
    km: Floats
    crossings: Ints
    cuts: Ints
    chord_km: Floats


class Meter:
    """Measures exposure of tracks to one set of lines, again and again for displaced tracks.

    Parameters
    ----------
    barriers : Barriers
    by : str
        See :func:`permeability.telemetry.line_classes.groups`.
    buffer_m : float
        Half width of the buffer [m].

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> found = Meter(barriers, "class", 100.0).measure(tracks)
    >>> found.groups, found.crossings.tolist(), found.km.round(2).tolist()
    (('stock',), [[1]], [[2.22]])
    """

    def __init__(self, barriers: Barriers, by: str, buffer_m: float) -> None:
        self.barriers, self.buffer_m = barriers, float(buffer_m)
        self.names, self.group = groups(barriers, by)
        self.index = LineIndex(barriers.table.geometry.to_numpy())
        self.codes = line_codes(barriers)

    def chords(self) -> Floats:
        """Of each group, shape (groups,) [km]."""
        shapes = self.barriers.table.geometry.to_numpy()
        found = []
        for g in range(len(self.names)):
            mine = shapes[self.group == g]
            area = shapely.area(
                shapely.union_all(shapely.buffer(joined_lines(mine), self.buffer_m, quad_segs=8))
            )
            found.append(np.pi * area / (2 * shapely.length(mine).sum()) / 1000)
        return np.asarray(found)

    def measure(
        self,
        tracks: Tracks,
        *,
        error_m: float | None = None,
        max_gap_h: float | None = None,
        chord_km: Floats | None = None,
    ) -> Exposure:
        """Kilometres and crossings of every animal and group."""
        steps = tracks.steps(max_gap_h)
        a, b = tracks.xy[steps], tracks.xy[steps + 1]
        who = tracks.number[steps]
        shape = (len(tracks.animals), len(self.names))
        step, row, start, end = self.index.within(a, b, self.buffer_m)
        owner, start, end = joined_spans(step * len(self.names) + self.group[row], start, end)
        length = np.hypot(*(b - a).T)
        km = np.zeros(shape)
        np.add.at(
            km, (who[owner // shape[1]], owner % shape[1]), (end - start) * length[owner // shape[1]] / 1000
        )
        cuts = self.index.cuts(a, b)
        found = find_passages(
            tracks, self.index, cuts, steps, both_errors(tracks, self.barriers, error_m), self.codes
        )
        crossings = np.zeros(shape, np.int64)
        np.add.at(crossings, (who[cuts.step[found.middle]], self.group[cuts.row[found.middle]]), 1)
        met = np.zeros(shape, np.int64)
        np.add.at(met, (who[cuts.step], self.group[cuts.row]), 1)
        return Exposure(
            self.names, tracks.animals, km, crossings, met, self.chords() if chord_km is None else chord_km
        )
