"""Invented landscapes, quite unlike the sample: does the ranking there hang on where the grid begins?

Each is a function of the seed: lines, places, ground as a function of position, and candidates of a length.  Everything is given on the
plane, so that any grid can be laid over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray

import permeability as pm
from permeability.barriers.lines import Barriers, prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.ranking.candidate_sites import Candidate
from permeability.species import species

CRS = "EPSG:32648"
SIDE_M = 300_000.0
FINE = 4  # points a cell side that ground is averaged over
Array = NDArray[np.float64]


def even(x: Array, y: Array) -> Array:
    """Even ground."""
    return np.ones(np.broadcast(x, y).shape)


@dataclass(frozen=True)
class Land:
    """An invented landscape."""

    barriers: Barriers
    patches: gpd.GeoDataFrame
    lines: tuple[str, ...]
    ground: Callable[[Array, Array], Array] = even
    together_m: float | None = None  # fences this far apart are opened together
    who: str = "khulan"
    side: float = SIDE_M

    def grid(self, cell: float) -> pm.Grid:
        """The grid of these cells [m]."""
        return pm.Grid.from_bounds((0.0, 0.0, self.side, self.side), cell_size=cell, crs=CRS)

    def make(self, grid: pm.Grid) -> tuple[pm.Landscape, pm.Patches]:
        """Landscape and patches on a grid: ground averaged over the cell, nodata where more than half of it is."""
        at = (np.arange(FINE) + 0.5) / FINE - 0.5
        x = (grid.x[:, None] + at * grid.cell_size).ravel()
        y = (grid.y[:, None] - at * grid.cell_size).ravel()
        fine = self.ground(x[None, :], y[:, None]).reshape(grid.rows, FINE, grid.cols, FINE)
        void = np.isnan(fine).mean(axis=(1, 3)) > 0.5
        mean = np.nansum(fine, axis=(1, 3)) / np.maximum(1, (~np.isnan(fine)).sum(axis=(1, 3)))
        land = build(grid, np.where(void, np.nan, mean), self.barriers, species(self.who))
        return land, place(self.patches, land)

    def middle(self, length_m: float) -> Candidate:
        """A section in the middle of the first line."""
        line = self.lines[0]
        low, high = self.barriers.km_range(line)
        a, b = ((low + high) / 2 + s * length_m / 2000 for s in (-1, 1))
        step = pm.Scenario("open").remove(line, km=(a, b)).interventions
        return pm.Candidate(f"{line} km {a:g}-{b:g}", line, a, b, step, pm.Estimate.exact(0.0, "USD"))

    def candidates(self, length_m: float) -> list[Candidate]:
        land, _ = self.make(self.grid(length_m / 4))
        if self.together_m is not None:
            return pm.corridor_candidates(land, self.lines[0], distance_m=self.together_m, length_m=length_m)
        return pm.candidates(land, self.lines, length_m=length_m)


def walk(
    start: tuple[float, float], heading: float, step: float, turn: float, rng: np.random.Generator
) -> shapely.LineString:
    """A line of corners at any angle from one edge of the land to another, drawn towards its heading."""
    xy, at, now = [start], np.array(start), heading
    while True:
        now = heading + 0.5 * (now - heading) + rng.normal(0, turn)
        at = at + rng.exponential(step) * np.array([np.cos(now), np.sin(now)])
        xy.append(tuple(at))
        if not (-2e4 < at[0] < SIDE_M + 2e4 and -2e4 < at[1] < SIDE_M + 2e4):
            return shapely.LineString(xy)


def fences(**lines: shapely.LineString) -> Barriers:
    """Border fences, impassable for khulan."""
    rows = {"id": list(lines), "kind": "fence", "fence_class": "border"}
    return prepare(gpd.GeoDataFrame(rows, geometry=list(lines.values()), crs=CRS))


def places(rng: np.random.Generator, away: shapely.Geometry, count: int = 8) -> gpd.GeoDataFrame:
    """Round patches of 8 km that touch no line."""
    found: list[shapely.Point] = []
    while len(found) < count:
        spot = shapely.Point(rng.uniform(2e4, SIDE_M - 2e4, 2))
        if spot.distance(away) > 1.6e4 and all(spot.distance(p) > 3e4 for p in found):
            found.append(spot)
    return gpd.GeoDataFrame(
        {"id": [f"P{i}" for i in range(count)]}, geometry=[p.buffer(8e3) for p in found], crs=CRS
    )


def simple_walk(*args: object, rng: np.random.Generator, **kwargs: object) -> shapely.LineString:
    """The first walk that does not cross itself."""
    while True:
        line = walk(*args, rng=rng, **kwargs)  # type: ignore[arg-type]
        ends = shapely.get_coordinates(line)[-1]
        if line.is_simple and ends[1] > SIDE_M:
            return line


def winding(seed: int) -> Land:
    """A winding fence with bends and corners at any angle."""
    rng = np.random.default_rng(seed)
    line = simple_walk((SIDE_M / 2, -2e4), np.pi / 2, step=6e3, turn=0.6, rng=rng)
    return Land(fences(F=line), places(rng, line), ("F",))


def both_sides(seed: int) -> Land:
    """Two fences beside each other, 600 m apart, as along a railway; opened together."""
    rng = np.random.default_rng(seed)
    line = simple_walk((SIDE_M / 2, -2e4), np.pi / 2, step=2e4, turn=0.25, rng=rng)
    left, right = (shapely.offset_curve(line, d) for d in (300.0, -300.0))
    return Land(fences(L=left, R=right), places(rng, line), ("L",), together_m=2e3)


def crossing(seed: int) -> Land:
    """Two fences that cross, and a busy road across both."""
    rng = np.random.default_rng(seed)
    up = simple_walk((0.4 * SIDE_M, -2e4), np.pi / 2, step=1.5e4, turn=0.3, rng=rng)
    side = shapely.affinity.rotate(up, -90, origin=(SIDE_M / 2, SIDE_M / 2))
    road = shapely.LineString([(-2e4, 2e4), (0.35 * SIDE_M, 0.5 * SIDE_M), (SIDE_M + 2e4, 0.9 * SIDE_M)])
    rows = {"id": ["F", "G", "R"], "kind": ["fence", "fence", "road"], "fence_class": ["border", "border", None],
            "vehicles_per_day": [None, None, 2000]}  # fmt: skip
    lines = prepare(gpd.GeoDataFrame(rows, geometry=[up, side, road], crs=CRS))
    return Land(lines, places(rng, shapely.union_all([up, side])), ("F", "G"))


def patchy(seed: int) -> Land:
    """Hills and valleys of resistance 1 to 20, lakes without value, and a winding fence through them."""
    rng = np.random.default_rng(seed)
    line = simple_walk((SIDE_M / 2, -2e4), np.pi / 2, step=1e4, turn=0.45, rng=rng)
    waves = rng.normal(0, 2 * np.pi / 25e3, (40, 2))
    phase = rng.uniform(0, 2 * np.pi, 40)
    patches = places(rng, line)
    dry = shapely.union_all(patches.geometry.to_numpy()).buffer(3e3)
    shapely.prepare(dry)

    def ground(x: Array, y: Array) -> Array:
        z = sum(np.cos(a * x + b * y + p) for (a, b), p in zip(waves, phase)) / np.sqrt(20)
        z = np.where(shapely.contains_xy(dry, *np.broadcast_arrays(x, y)), np.minimum(z, 1.0), z)
        return np.where(z > 1.9, np.nan, np.exp(1.0 + 0.9 * z))

    return Land(fences(F=line), patches, ("F",), ground)


def uniform(degrees: float, side: float = 60_000.0) -> Land:
    """A straight fence in even land, with all that is further than 22 km on either side of it as patches."""
    u = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    v, middle = np.array([-u[1], u[0]]), np.full(2, side / 2)
    sides = [
        shapely.Polygon(
            [middle + s * d * v + a * u for d, a in ((22e3, -2e5), (22e3, 2e5), (3e5, 2e5), (3e5, -2e5))]
        )
        for s in (1, -1)
    ]
    square = shapely.box(0, 0, side, side)
    ends = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[p.intersection(square) for p in sides], crs=CRS)
    line = shapely.LineString([middle - side * u, middle + side * u])
    return Land(fences(F=line), ends, ("F",), side=side)


LANDS: dict[str, Callable[[int], Land]] = {
    "winding fence": winding,
    "fences on both sides": both_sides,
    "crossing fences and a road": crossing,
    "patchy ground, lakes": patchy,
}
