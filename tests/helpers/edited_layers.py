"""Random lines that wind, openings on them, and the layer as a person edits it: rows split, the opened ones marked.

An opened stretch of a plain fence is a row of status "removed", of a fenced railway one with ``fenced = "no"``: the line stays
drawn, so that it is known how long the opening is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from shapely.ops import substring

import permeability as pm
from permeability.barriers.chainage import Chainage
from permeability.barriers.lines import Barriers, prepare
from permeability.barriers.scenario import Intervention
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.species import species

CRS, SIDE, CELL = "EPSG:32648", 24, 1000.0
KINDS = (
    {"kind": "railway", "fence_class": None, "fenced": "yes"},
    {"kind": "fence", "fence_class": "border", "fenced": None},
    {"kind": "fence", "fence_class": "stock", "fenced": None},
)
SPECIES = {name: species(name) for name in ("khulan", "mongolian_gazelle")}


@dataclass(frozen=True)
class Opening:
    """A stretch of line ``k`` between two distances along it [m]."""

    k: int
    a: float
    b: float

    @property
    def step(self) -> Intervention:
        return Intervention("remove", f"L{self.k}", self.a / 1000, self.b / 1000)


@dataclass(frozen=True)
class Winding:
    """A random landscape of lines that wind; ``marks``: where today's layer splits each line [m along it]."""

    seed: int
    ground: np.ndarray
    lines: list[shapely.LineString]
    kinds: list[dict]
    marks: list[list[float]]
    openings: list[Opening]
    sets: list[list[int]]

    @classmethod
    def of(cls, seed: int) -> Winding:
        """One to three lines in up to three rows each, some of them joined, with three openings each (0.1 m to kilometres)."""
        rng = np.random.default_rng(seed)
        ground = np.exp(0.4 * rng.normal(size=(SIDE, SIDE)))
        ground[rng.random(ground.shape) < 0.03] = np.nan
        lines = [_line(rng) for _ in range(rng.integers(1, 4))]
        if len(lines) > 1 and rng.random() < 0.5:  # the second one begins on the first
            vertices = shapely.get_coordinates(lines[0])
            lines[1] = shapely.LineString(
                np.vstack([vertices[len(vertices) // 2], shapely.get_coordinates(lines[1])])
            )
        kinds = [KINDS[rng.integers(3)] for _ in lines]
        marks = [sorted(rng.uniform(500, x.length - 500, rng.integers(0, 3)).tolist()) for x in lines]
        openings = []
        for k, line in enumerate(lines):
            a, b, c, d, e, _ = np.sort(rng.uniform(0, line.length, 6)).tolist()
            narrow = min(e + 10 ** rng.uniform(-1, 3), line.length)
            openings += [Opening(k, a, b), Opening(k, c, d), Opening(k, e, narrow)]
        order = rng.permutation(len(openings)).tolist()
        sets = [[i] for i in range(len(openings))]
        sets += [order[:n] for n in (2, 3, 4, 5) if n <= len(openings)]
        return cls(seed, ground, lines, kinds, marks, openings, sets)

    def landscape(self, built: list[int], neighbours: int = 8) -> Landscape:
        """The landscape from the layer in which some openings are edited row by row; rows drawn one way or the other."""
        rng = np.random.default_rng([self.seed, len(built), *built])
        opened = [self.openings[i] for i in built]
        rows, chainages = [], []
        for k, (line, kind) in enumerate(zip(self.lines, self.kinds)):
            mine = [o for o in opened if o.k == k]
            inner = {x for o in mine for x in (o.a, o.b) if 0 < x < line.length} | set(self.marks[k])
            for n, (a, b) in enumerate(pairwise([0.0, *sorted(inner), line.length])):
                shape, back = substring(line, a, b), bool(rng.random() < 0.5)
                row = {"id": f"L{k}-{n}", "line": f"L{k}", "status": "existing", **kind}
                if any(o.a < 0.5 * (a + b) < o.b for o in mine):
                    row |= {"fenced": "no"} if kind["kind"] == "railway" else {"status": "removed"}
                rows.append({**row, "geometry": shape.reverse() if back else shape})
                km = np.array([a, b]) / 1000
                chainages.append(Chainage(np.array([0.0, shape.length]), km[::-1] if back else km, "posts"))
        table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
        prepared = prepare(table)
        grid = pm.Grid.from_bounds((0, 0, SIDE * CELL, SIDE * CELL), cell_size=CELL, crs=CRS)
        barriers = Barriers(prepared.table, tuple(chainages))
        who = SPECIES["mongolian_gazelle" if self.seed % 2 else "khulan"]
        return build(grid, self.ground, barriers, who, neighbours=neighbours)

    def patches(self, land: Landscape) -> Patches:
        """Three patches, those parts of them that lie on the landscape."""
        at = [(1_500, 1_500), (SIDE * CELL - 3_500, 3_500), (9_500, SIDE * CELL - 3_500)]
        places = [shapely.box(x, y, x + 2_000, y + 2_000) for x, y in at]
        return place(gpd.GeoDataFrame({"id": list("abc")}, geometry=places, crs=CRS), land)

    def level(self, land: Landscape) -> dict[str, float]:
        """A draw of every number that the landscape's crossing costs hang on."""
        rng = np.random.default_rng([self.seed, 7])
        keys = sorted({c.key for parts in land.components for c in parts} | {"trace_length"})
        return {key: float(rng.random()) for key in keys}


def _line(rng: np.random.Generator) -> shapely.LineString:
    """A line across the landscape that winds by up to some hundred metres, now and then over itself."""
    heading, length = rng.uniform(0, np.pi), rng.uniform(12_000, 40_000)
    along, across = (
        np.array([np.cos(heading), np.sin(heading)]),
        np.array([-np.sin(heading), np.cos(heading)]),
    )
    middle = SIDE * CELL / 2 + rng.uniform(-6_000, 6_000, 2)
    step, wide = rng.choice([120.0, 250.0, 500.0, 900.0]), rng.uniform(50, 700)
    n = int(length / step) + 1
    s = np.arange(n) * step + 0.3 * step * rng.normal(size=n)
    off = wide * (rng.normal(size=n) + np.cumsum(rng.normal(size=n)) / 6)
    return shapely.LineString(middle - 0.5 * length * along + s[:, None] * along + off[:, None] * across)
