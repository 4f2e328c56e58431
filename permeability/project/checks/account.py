"""What every layer gives to a run: rows, rows on the grid, cells, cuts, posts, kilometres, and what nobody reads.

A layer that contributes nothing is as good as none, and must not pass for one that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from permeability.barriers.database import read_layer
from permeability.core.errors import Finding, PermeabilityError, shorten
from permeability.core.texts import N_, Said, Worded
from permeability.landscape.patches import cells_of_geometry
from permeability.layers.grid import Grid
from permeability.layers.vectors import tables_of
from permeability.locale.language import Words, words
from permeability.project.checks.findings import Findings, Readable
from permeability.project.checks.layers import in_use
from permeability.project.project import Project

SCHEMA = {"barriers": "barriers", "posts": "posts", "candidates": "sites", "patches": "patches"}


@dataclass(frozen=True)
class LayerAccount:
    """One layer in the account.

    Attributes
    ----------
    name : str
    roles : tuple of str
        What the project uses it for; empty when it is defined and not used.
    rows : int or None
        Rows of a vector layer.
    on_grid : int or None
        Rows that touch the grid.
    facts : tuple of str
        Cells, cuts, kilometres.
    unread : tuple of str
        Columns that nobody reads.
    other_tables : tuple of str
        Tables of the same file that no layer of the project names.
    """

    name: str
    roles: tuple[str, ...]
    rows: int | None = None
    on_grid: int | None = None
    facts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    other_tables: tuple[str, ...] = field(default=())

    def text(self, tr: Words | None = None) -> str:
        """The layer on one line, in English or in the reader's language."""
        tr = words() if tr is None else tr
        parts: list[str | Said] = []
        if self.rows is not None and self.on_grid is not None:
            facts = {"rows": self.rows, "on": self.on_grid, "off": self.rows - self.on_grid}
            parts.append(
                Said(
                    N_("rows: {rows}, on the grid: {on}, off it: {off}")
                    if facts["off"]
                    else N_("rows: {rows}, on the grid: {on}"),
                    facts,
                )
            )
        parts += self.facts
        if self.unread:
            parts.append(Said(N_("columns not read: {names}"), {"names": shorten(self.unread, 6)}))
        if self.other_tables:
            parts.append(
                Said(N_("other tables of the file: {names}"), {"names": shorten(self.other_tables, 6)})
            )
        used = ", ".join(self.roles) or tr(N_("not used"))
        return f"  {self.name:<16} {used:<20} {'; '.join(map(tr.said, parts))}"


def account(project: Project, seen: Readable | None = None) -> list[LayerAccount]:
    """Every layer of a project with what it gives.

    Parameters
    ----------
    project : Project
    seen : Readable, optional
        Layers that have been read.

    Returns
    -------
    list of LayerAccount
        In the order of the project file.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     print(account(project)[0].text())
      barriers         barriers             rows: 2, on the grid: 2; 10 km, edges cut: 27; kilometres: drawn length (2)
    """
    roles = roles_of(project)
    out = []
    for name in project.spec.layers:
        table = _table(project, seen, name, roles.get(name, ()))
        if table is None:
            out.append(
                LayerAccount(name, roles.get(name, ()), facts=tuple(_raster_facts(project, name, roles)))
            )
            continue
        on = _on_grid(table, project.grid)
        schema = next((SCHEMA[r] for r in roles.get(name, ()) if r in SCHEMA), None)
        unread = (
            ()
            if schema is None
            else tuple(c for c in read_layer(table, schema).unread if "not used" not in c)
        )
        facts = (*table.attrs.get("account", ()), *_facts(project, name, table[on], roles.get(name, ())))
        out.append(
            LayerAccount(
                name, roles.get(name, ()), len(table), int(on.sum()), facts, unread, _others(project, name)
            )
        )
    return out


def account_text(rows: list[LayerAccount], tr: Words | None = None) -> str:
    """The account as lines for a terminal."""
    tr = words() if tr is None else tr
    return "\n".join([tr(N_("layers")), *(r.text(tr) for r in rows)])


def check(found: Findings, seen: Readable) -> None:
    """Layers of which nothing, or a part only, lies on the grid."""
    grid = seen.grid
    if grid is None:
        return
    roles = roles_of(seen.project)
    for name, used in roles.items():
        table = seen.on_grid(name)
        if table is not None and used != ("patches",):
            if used != ("posts",) or not _posts_used(seen.project):
                _off_grid(found, name, used, table, grid)
        elif name in seen.raw:
            _without_value(found, seen, name)


def _off_grid(found: Findings, name: str, used: tuple[str, ...], table: gpd.GeoDataFrame, grid: Grid) -> None:
    on = _on_grid(table, grid)
    drawn = ~table.geometry.isna().to_numpy() & ~table.geometry.is_empty.to_numpy()
    if not drawn.any() and "factor" not in used:  # told with the barriers, sites or areas
        return
    off = np.flatnonzero(~on)
    rows = tuple(f"{i + 1} ({v})" for i, v in zip(off, table["id"].iloc[off] if "id" in table else off))
    if not on.any():
        found.add(Finding(
            "L21", f"no row of the layer {'lies on the grid' if drawn.any() else 'has a place'} ({', '.join(used)}).",
            "check the coordinate system of the layer, the order of its axes and the bounds of the grid", name, (f"all {len(table)}",),
            {"layer lies at": _box(table), "grid": _box_text(grid.bounds)},
        ))  # fmt: skip
    elif len(off) and used != ("posts",):
        beyond = (
            ": distances to them count up to 256 cells beyond the edge (points: wherever)"
            if "factor" in used
            else ""
        )
        found.add(Finding(
            "L22", f"{len(off)} of {len(table)} rows lie off the grid{beyond}.",
            "widen the bounds of the grid if they matter, or leave them out with where", name, rows, severity="warning",
        ))  # fmt: skip


def _posts_used(project: Project) -> int:
    """Posts that give a line its kilometres; these may stand beyond the edge, where the line goes on."""
    try:
        return sum(project.barriers.posts_used.values())
    except PermeabilityError:  # told with the lines
        return 0


def _without_value(found: Findings, seen: Readable, name: str) -> None:
    try:
        values = seen.project.raster(name)
    except PermeabilityError:  # told with the rasters
        return
    if not np.isfinite(values).any():
        found.add(Finding(
            "L21", "no cell of the raster has a value on the grid.",
            "check its coordinate system and extent, and the bounds of the grid", name, ("all cells",),
        ))  # fmt: skip


def roles_of(project: Project) -> dict[str, tuple[str, ...]]:
    """Layer -> what the project uses it for."""
    known = {
        "factors": "factor",
        "mask": "mask",
        "candidates": "candidates",
        "habitat": "habitat",
    }
    out: dict[str, list[str]] = {}
    for name, where in in_use(project.spec):
        first, last = str(where[0]), str(where[-1])
        role = "posts" if last == "posts" else known.get(first, last if first == "species" else first)
        if name in project.spec.layers and role not in out.setdefault(name, []):
            out[name].append(role)
    for scenario in project.spec.scenarios:
        for name in [*scenario.layers.values(), *(s.use for s in scenario.steps if s.use)]:
            if name in project.spec.layers and "scenario" not in out.setdefault(name, []):
                out[name].append("scenario")
    return {name: tuple(found) for name, found in out.items()}


# ---------------------------------------------------------------- facts
WAYS = {
    "drawn length": N_("drawn length"), "published length": N_("published length"), "columns": N_("kilometre columns"), "posts": N_("kilometre posts"),
}  # fmt: skip


def _way(source: str) -> str | Said:
    """How a row got its kilometres."""
    return Said(WAYS[source]) if source in WAYS else source


def _table(
    project: Project, seen: Readable | None, name: str, roles: tuple[str, ...]
) -> gpd.GeoDataFrame | None:
    from permeability.project.checks.layers import is_raster

    if is_raster(project.spec, name):
        return None
    if seen is not None:
        return seen.on_grid(name)
    try:
        return project.vector(name)
    except PermeabilityError:
        return None


def _on_grid(table: gpd.GeoDataFrame, grid: Grid) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    shapely.prepare(box := shapely.box(*grid.bounds))
    return np.asarray(shapely.intersects(box, table.geometry.to_numpy()), dtype=bool)


def _facts(project: Project, name: str, table: gpd.GeoDataFrame, roles: tuple[str, ...]) -> Iterator[str]:
    """What the rows of a layer that lie on the grid give."""
    if "barriers" in roles:
        try:
            barriers, cuts = project.barriers, project.cuts
        except PermeabilityError:
            return
        mine = barriers.table["id"].isin(set(project.layer_ids(name))).to_numpy()
        rows = np.flatnonzero(mine)
        sources = [barriers.chainages[i].source for i in rows]
        km = barriers.table.geometry.length.to_numpy()[rows].sum() / 1000
        yield Worded(
            Said(
                N_("{km} km, edges cut: {n}"), {"km": round(km), "n": int(np.isin(cuts.barrier, rows).sum())}
            )
        )
        if sources:
            each = [
                Said(N_("{how} ({n})"), {"how": _way(s), "n": sources.count(s)})
                for s in dict.fromkeys(sources)
            ]
            yield Worded(Said(N_("kilometres: {ways}"), {"ways": each}))
    if "posts" in roles:
        try:
            used = project.barriers.posts_used
        except PermeabilityError:
            return
        yield Worded(Said(N_("used: {n}, for lines: {lines}"), {"n": sum(used.values()), "lines": len(used)}))
    areas = {"patches", "mask", "range", "inside", "outside"} & set(roles)
    if areas:
        cells = np.zeros(project.grid.shape, bool)
        for shape in table.geometry:
            cells |= cells_of_geometry(shape, project.grid)
        yield Worded(Said(N_("cells: {n}"), {"n": int(cells.sum())}))


def _raster_facts(project: Project, name: str, roles: dict[str, tuple[str, ...]]) -> Iterator[str]:
    if name not in roles:
        return
    try:
        values = project.raster(name)
    except PermeabilityError:
        yield Worded(Said(N_("cannot be read")))
        return
    n = int(np.isfinite(values).sum())
    yield Worded(Said(N_("cells with a value: {n} of {all}"), {"n": n, "all": values.size}))


def _others(project: Project, name: str) -> tuple[str, ...]:
    """Tables of a file that no layer of the project names."""
    path = project.spec.layers[name].path
    named = {s.table for s in project.spec.layers.values() if s.path == path}
    if None in named:
        return ()
    try:
        found = tables_of(project.folder / Path(path))
    except PermeabilityError:
        return ()
    return tuple(t for t, kind in found.items() if t not in named and kind is not None)


def _box(table: gpd.GeoDataFrame) -> str:
    return _box_text(tuple(float(v) for v in table.total_bounds))


def _box_text(bounds: tuple[float, ...]) -> str:
    return "west {:,.0f}, south {:,.0f}, east {:,.0f}, north {:,.0f}".format(*bounds)
