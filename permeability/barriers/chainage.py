"""Kilometres along a line: interpolated between stations or posts, never along the drawn chord when posts exist.

A drawn railway is shorter than the track.  Where posts (stations with their official kilometre) are known, the
kilometre of any place is interpolated between its two posts; where none are known, the drawn length is
stretched to the published length if there is one, and used as it is otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.core.errors import BarrierError

POST_REACH_M = 15_000.0  # a post farther than this from its line does not belong to it


@dataclass(frozen=True)
class Chainage:
    """Kilometre as a function of the distance along one drawn line.

    Parameters
    ----------
    dist : array, shape (n,), n >= 2
        Distances along the drawn line, ascending [m].
    km : array, shape (n,)
        Official kilometre at these distances; strictly rising or falling [km].
    source : str
        ``"posts"``, ``"published length"`` or ``"drawn length"``.

    Examples
    --------
    >>> c = Chainage(np.array([0.0, 1000.0]), np.array([10.0, 12.0]), "posts")
    >>> float(c.km_at(500.0)), float(c.dist_at(12.0)), c.km_range
    (11.0, 1000.0, (10.0, 12.0))
    """

    dist: NDArray[np.float64]
    km: NDArray[np.float64]
    source: str

    def km_at(self, dist: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Kilometre at distances along the drawn line [m]; the end slopes go on beyond the ends."""
        return _piecewise(np.asarray(dist, float), self.dist, self.km)

    def dist_at(self, km: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance along the drawn line [m] of kilometres."""
        if self.km[-1] >= self.km[0]:
            return _piecewise(np.asarray(km, float), self.km, self.dist)
        return _piecewise(np.asarray(km, float), self.km[::-1], self.dist[::-1])

    @property
    def km_range(self) -> tuple[float, float]:
        """Lowest and highest kilometre of the drawn line."""
        return float(min(self.km[0], self.km[-1])), float(max(self.km[0], self.km[-1]))


def _piecewise(
    x: NDArray[np.float64], xp: NDArray[np.float64], fp: NDArray[np.float64]
) -> NDArray[np.float64]:
    i = np.minimum(np.maximum(np.searchsorted(xp, x, side="right") - 1, 0), len(xp) - 2)
    return np.asarray(fp[i] + (x - xp[i]) * (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]))


def from_length(length_m: float, *, published_km: float | None = None, start_km: float = 0.0) -> Chainage:
    """Chainage of a line without posts: its drawn length, stretched to the published one if known."""
    whole = published_km if published_km is not None else length_m / 1000.0
    source = "published length" if published_km is not None else "drawn length"
    return Chainage(np.array([0.0, length_m]), np.array([start_km, start_km + whole]), source)


def from_posts(
    line: shapely.LineString,
    posts: NDArray[np.object_],
    km: NDArray[np.float64],
    *,
    line_id: str,
    reach_m: float = POST_REACH_M,
) -> Chainage | None:
    """Chainage of a drawn line from its posts, or None with fewer than two posts within reach.

    Parameters
    ----------
    line : shapely.LineString
        In metres.
    posts : array of shapely.Point, shape (n,)
    km : array, shape (n,)
        Official kilometre of each post.

    Raises
    ------
    BarrierError
        B05 when the kilometres do not rise or fall along the line.
    """
    gap = shapely.distance(posts, line)
    near = gap <= reach_m
    if near.sum() < 2:
        return None
    at, value, gap = np.asarray(shapely.line_locate_point(line, posts[near])), km[near], gap[near]
    # of posts at one place the nearest counts: those of a neighbouring row of the line all fall on its end
    order = np.lexsort((value, gap, at.round()))
    at, value = at[order], value[order]
    distinct = np.concatenate([[True], np.diff(at) > 1.0])
    at, value = at[distinct], value[distinct]
    if len(at) < 2:
        return None
    steps = np.diff(value)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        wrong = int(np.argmax(np.sign(steps) != np.sign(steps.sum())))
        raise BarrierError(
            "B05",
            f"the kilometres of the posts do not run one way along {line_id!r}.",
            layer="posts",
            rows=[f"km {value[wrong]:g} then km {value[wrong + 1]:g}"],
            remedy="correct the kilometre or the place of these posts, or leave the wrong one out",
        )
    return _to_the_ends(at, value, float(line.length))


def _to_the_ends(at: NDArray[np.float64], km: NDArray[np.float64], length: float) -> Chainage:
    """Chainage carried on beyond the first and last post to the ends of the drawn line, at the slope there."""
    inner = Chainage(at, km, "posts")
    ends = [d for d in (0.0, length) if d < at[0] - 1.0 or d > at[-1] + 1.0]
    dist = np.sort(np.concatenate([at, ends]))
    return Chainage(dist, np.asarray(inner.km_at(dist)), "posts")
