"""The project file: one TOML that says which layers, species, barriers and questions belong together.

Every key is checked; a key that is not known is an error with the nearest valid word.  :func:`check` collects all
problems at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from permeability.barriers import lines as barrier_layer
from permeability.barriers.database import read_layer
from permeability.barriers.edge_cuts import CutTable, cut_edges
from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import Scenario
from permeability.core.errors import Finding, LayerError, ProjectError, nearest
from permeability.landscape import habitat, landscape, patches
from permeability.landscape.habitat import FactorGround, Habitat, NoValue
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers import rasters
from permeability.layers.grid import Grid
from permeability.layers.reprojection import reproject
from permeability.project.column_mapping import read_own_layer
from permeability.project.recipe import class_resistance, landscape_mask, own_profile, require_areas
from permeability.project.scenario_spec import (
    TODAY,
    ScenarioSpec,
    StepSpec,
    chain_of,
    interventions_of,
    steps_of,
    year_of,
)
from permeability.project.toml_lines import line_of
from permeability.ranking.candidate_sites import Candidate
from permeability.species import SpeciesProfile, species

__all__ = ["Project", "open_project"]
from permeability.project.ranking_spec import build_candidates
from permeability.project.spec import FactorSpec, LayerSpec, ProjectSpec, valid_keys


@dataclass(frozen=True, eq=False)
class Project:
    """A project file that has been read; layers are read when asked for, once.

    Attributes
    ----------
    path : pathlib.Path
        The TOML file.
    spec : ProjectSpec

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     land = project.landscape("khulan")
    >>> project.species_ids, int(land.valid.sum())  # layers are read once
    (['khulan'], 96)
    """

    path: Path
    spec: ProjectSpec
    notes: list[str] = field(default_factory=list, repr=False)
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Folder that relative paths start from."""
        return self.path.parent

    @cached_property
    def grid(self) -> Grid:
        """The project grid."""
        g = self.spec.grid
        if g.like is None:
            return Grid.from_bounds(g.bounds, cell_size=g.cell_size_m, crs=g.crs)
        own = rasters.raster_grid(self.folder / self.layer(g.like).path, layer=g.like)
        return own.with_cell_size(g.cell_size_m) if g.cell_size_m else own

    @property
    def species_ids(self) -> list[str]:
        """Species of the project."""
        return list(self.spec.species)

    # ---------------------------------------------------------------- layers
    def layer(self, name: str) -> LayerSpec:
        """Specification of a layer (L09 with the nearest name when there is none)."""
        if name in self.spec.layers:
            return self.spec.layers[name]
        guess = nearest(name, self.spec.layers)
        raise LayerError(
            "L09", f"the project names a layer {name!r} that it does not define.", layer=name,
            details={"layers": ", ".join(self.spec.layers)},
            remedy=f"did you mean {guess!r}?" if guess else f"add [layers.{name}] with its path",
        )  # fmt: skip

    def vector(self, name: str) -> gpd.GeoDataFrame:
        """A vector layer in the CRS of the grid."""
        spec = self.layer(name)
        return self._once(
            f"vector {name}",
            lambda: read_own_layer(
                self.folder / spec.path, spec.table, spec.where, spec, layer=name, crs=self.grid.crs
            ),
        )

    def area(self, name: str) -> gpd.GeoDataFrame:
        """A layer of areas in the CRS of the grid (L06 when it holds anything else)."""
        return require_areas(self.vector(name), name)

    def moved(self, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """A layer in the CRS of the grid."""
        return reproject(table, self.grid.crs)

    def raster(self, name: str) -> NDArray[np.float64]:
        """A raster layer on the grid."""
        spec = self.layer(name)

        def read() -> NDArray[np.float64]:
            values, done = rasters.read_raster(
                self.folder / spec.path, self.grid, band=spec.band, resampling=spec.resampling, layer=name,
                nodata=spec.nodata, classes=any(f.derive == "class" and name in f.layers for f in self.spec.factors.values()),
            )  # fmt: skip
            if done is not None:
                self.notes.append(done.text())
            return values * spec.scale

        return self._once(f"raster {name}", read)

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    # ---------------------------------------------------------------- domain objects
    def profile(self, name: str) -> SpeciesProfile:
        """Profile of a species with the project's own numbers."""
        spec = self.spec.species.get(name)
        base = (
            own_profile(name, spec.profile, spec.based_on, self.folder) if spec is not None else species(name)
        )
        if spec is None or not spec.override:
            return base
        return base.override(spec.override, source=f"{self.path.name}, [species.{name}.override]")

    @property
    def barriers(self) -> Barriers:
        """All barriers with their kilometres, planned ones included."""
        return self._once("barriers", self._read_barriers)

    def _read_barriers(self) -> Barriers:
        spec = self.spec.barriers
        posts = self.vector(spec.posts) if spec.posts else None
        tables = {name: self.vector(name) for name in spec.layers}
        found = barrier_layer.prepare_layers(
            tables, posts=posts, snap_m=spec.snap_m, as_one=spec.as_one, count_both=spec.count_both
        )
        self.notes.extend(f.what for f in found.findings)
        return found

    def layer_ids(self, name: str) -> list[str]:
        """Ids of the rows of a barrier layer, as the barriers bear them."""
        return [str(v) for v in read_layer(self.vector(name), "barriers").table["id"]]

    @property
    def cuts(self) -> CutTable:
        """Cut table of all barriers, shared by all species."""
        return self._once(
            "cuts", lambda: cut_edges(self.barriers, self.grid, neighbours=self.spec.grid.neighbours)
        )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Cells of the landscape."""
        return self._once("mask", self._read_mask)

    def _read_mask(self) -> NDArray[np.bool_]:
        return landscape_mask(self.spec.mask, self.area, self.grid)

    def factor(self, name: str) -> NDArray[np.float64]:
        """Raster of one habitat factor."""
        return self._once(f"factor {name}", lambda: self._derive(self.spec.factors[name]))

    def _derive(self, spec: FactorSpec) -> NDArray[np.float64]:
        if spec.derive == "slope":
            heights = habitat.check_elevation(self.raster(spec.layers[0]), layer=spec.layers[0])
            values = habitat.slope_deg(heights, self.grid)
        elif spec.derive == "distance":
            each = [habitat.distance_km(self.vector(n), self.grid) for n in spec.layers]
            values = np.asarray(np.min(each, axis=0))
        elif spec.derive == "class":
            values = habitat.class_share(self.raster(spec.layers[0]), spec.classes)
        else:
            values = self.raster(spec.layers[0])
        return values if spec.scale == 1.0 else values * spec.scale

    def habitat(self, name: str, level: str = "best") -> Habitat:
        """Resistance of a species and the factors behind it."""
        return self._once(f"habitat {name} {level}", lambda: self._habitat(name, level))

    def _habitat(self, name: str, level: str) -> Habitat:
        import pandas as pd

        mine, common = self.spec.species.get(name), self.spec.habitat
        direct = (mine.resistance if mine else None) or common.resistance
        suited = (mine.suitability if mine else None) or common.suitability
        if direct or suited:
            layer = str(direct or suited)
            values = self.raster(layer)
            if direct is None:
                values = habitat.from_suitability(values)
            values = landscape.check_resistance(np.where(self.mask, values, np.nan))
            table = pd.DataFrame(
                [{"factor": layer, "used": True, "why_not": "", "source": self.layer(layer).path}]
            )
            return Habitat(values, table)
        if common.landcover:
            made = class_resistance(
                self.raster(common.landcover), common.multipliers, self.mask, common.landcover
            )
            source = f"{self.layer(common.landcover).path}, multipliers of the project file"
            table = pd.DataFrame(
                [{"factor": common.landcover, "used": True, "why_not": "", "source": source}]
            )
            return Habitat(landscape.check_resistance(made), table)
        factors = {f: self.factor(f) for f in self.spec.factors}
        return habitat.from_factors(
            self.profile(name), factors, self.mask, season=self.spec.project.season, level=level, no_value=self._no_value
        )  # fmt: skip

    @property
    def _no_value(self) -> dict[str, NoValue]:
        """What cells without a value count as, by factor."""
        return {f: s.no_value for f, s in self.spec.factors.items()}

    def landscape(self, name: str) -> Landscape:
        """Landscape of a species as it stands in the project's year."""
        return self._once(f"landscape {name}", lambda: self._landscape(name))

    def _landscape(self, name: str) -> Landscape:
        about = self.spec.project
        return landscape.build(
            self.grid, self.habitat(name).resistance, self.barriers, self.profile(name),
            neighbours=self.spec.grid.neighbours, year=about.year, season=about.season,
            assume_fenced=self.spec.barriers.assume_fenced, cuts=self.cuts,
            fenced_chance=self.spec.barriers.fenced_chance, ground=self._ground(name),
        )  # fmt: skip

    def _ground(self, name: str) -> FactorGround | None:
        """What a species' resistance is made from; None when it comes from a raster."""
        mine, common = self.spec.species.get(name), self.spec.habitat
        if (mine and (mine.resistance or mine.suitability)) or common.resistance or common.suitability:
            return None
        if common.landcover:
            return None
        factors = {f: self.factor(f) for f in self.spec.factors}
        return FactorGround(self.profile(name), factors, self.mask, self.spec.project.season, self._no_value)

    def patches(self, name: str) -> Patches:
        """Patches of a species on the grid."""
        return self._once(f"patches {name}", lambda: self._patches(name))

    def _patches(self, name: str) -> Patches:
        spec = self.spec.species[name]
        return patches.place(
            self.vector(spec.patches), self.landscape(name), layer=spec.patches, on_barrier=spec.on_barrier,
            also=self._added_later,
        )  # fmt: skip

    @property
    def _added_later(self) -> NDArray[np.bool_]:
        """Barrier rows that a scenario adds, or that stand in the year of one."""
        rows = np.zeros(len(self.barriers), bool)
        for name in self.scenario_names:
            for step in self.scenario(name).interventions:
                if step.action == "add":
                    rows[self.barriers.rows_of(step.line)] = True
            year = year_of(chain_of(self.spec.scenarios, name))
            if year is not None:
                rows |= (
                    self.barriers.table["id"].isin(self.barriers.standing(year).table["id"]).to_numpy(bool)
                )
        return rows

    def range_mask(self, name: str) -> NDArray[np.bool_]:
        """Cells of the species' range; the whole landscape when the project gives none."""
        layer = self.spec.species[name].range
        land = self.landscape(name)
        return land.valid if layer is None else habitat.area_mask(self.area(layer), self.grid) & land.valid

    def candidates(self, name: str) -> list[Candidate]:
        """What is ranked for a species, from ``[candidates]``."""
        return build_candidates(self.landscape(name), self.spec.candidates, self.vector)

    def scenario(self, name: str) -> Scenario:
        """A scenario of the file by its name, with what it builds on; ``today`` is the empty one.

        Raises
        ------
        ProjectError
            J04 no such scenario, J08 scenarios that build on each other.
        """
        steps = steps_of(chain_of(self.spec.scenarios, name))
        return Scenario(name, tuple(i for s in steps for i in interventions_of(s, self.barriers)))

    @property
    def scenario_names(self) -> list[str]:
        """Every scenario, ``today`` and the baseline of the comparison first."""
        first = dict.fromkeys((TODAY, self.spec.comparison.baseline))
        return list(first | dict.fromkeys(s.name for s in self.spec.scenarios))

    def with_cell_size(self, metres: float) -> Project:
        """The same project on cells of another size [m], for a quick look or a check of robustness."""
        grid = self.spec.grid.model_copy(update={"cell_size_m": float(metres)})
        return Project(self.path, self.spec.model_copy(update={"grid": grid}))

    def variant(self, name: str) -> Project:
        """The project with the year and the layers of one of its scenarios; itself when it changes neither."""
        chain = chain_of(self.spec.scenarios, name)
        year, layers, factors = year_of(chain), *self._changed_layers(chain)
        if year in (None, self.spec.project.year) and not layers and not factors:
            return self
        about = self.spec.project if year is None else self.spec.project.model_copy(update={"year": year})
        update = {
            "layers": {**self.spec.layers, **layers},
            "factors": {**self.spec.factors, **factors},
            "project": about,
        }
        key = f"variant {year} {sorted(layers.items())} {sorted(factors.items())}"
        spec = self.spec.model_copy(update=update)
        kept = self._untouched(set(layers), set(factors))
        return self._once(key, lambda: Project(self.path, spec, self.notes, kept))

    def _changed_layers(
        self, chain: Sequence[ScenarioSpec]
    ) -> tuple[dict[str, LayerSpec], dict[str, FactorSpec]]:
        """Layers and habitat factors that scenarios replace or scale, the later on top of the earlier."""
        layers: dict[str, LayerSpec] = {}
        factors: dict[str, FactorSpec] = {}
        for plan in chain:
            for old, new in plan.layers.items():
                self.layer(old)
                layers[old] = self.layer(new)
            for step in (s for s in plan.steps if s.action == "layer"):
                if step.factor is not None:
                    known = factors.get(step.factor) or self._factor_spec(step.factor)
                    factors[step.factor] = known.model_copy(
                        update={"scale": known.scale * (step.scale or 1.0)}
                    )
                else:
                    name = str(step.layer)
                    layers[name] = self._layer_after(step, layers.get(name) or self.layer(name))
        return layers, factors

    def _layer_after(self, step: StepSpec, now: LayerSpec) -> LayerSpec:
        if step.use is not None:
            return self.layer(step.use)
        if step.path is not None:
            return now.model_copy(update={"path": step.path, "table": step.table})
        return now.model_copy(update={"scale": now.scale * (step.scale or 1.0)})

    def _factor_spec(self, name: str) -> FactorSpec:
        if name in self.spec.factors:
            return self.spec.factors[name]
        guess = nearest(name, self.spec.factors)
        raise ProjectError(
            "J09", f"the project has no habitat factor {name!r} to scale.",
            remedy=f"did you mean {guess!r}?" if guess else f"add [factors.{name}] with its layer",
        )  # fmt: skip

    def _untouched(self, layers: set[str], factors: set[str]) -> dict[str, Any]:
        """What has been read already and does not depend on the layers and factors that change."""
        lines = {*self.spec.barriers.layers, self.spec.barriers.posts}
        area = {*self.spec.mask.inside, *self.spec.mask.outside}
        stale = {f"{kind} {n}" for n in layers for kind in ("vector", "raster")}
        stale |= {
            f"factor {n}" for n, s in self.spec.factors.items() if n in factors or layers & set(s.layers)
        }
        stale |= {"barriers", "cuts"} if layers & lines else set()
        stale |= {"mask"} if layers & area else set()
        words = ["vector ", "raster ", "factor ", "barriers", "cuts", "mask"]
        words += [] if layers or factors else ["habitat "]
        return {k: v for k, v in self._cache.items() if k.startswith(tuple(words)) and k not in stale}

    def __repr__(self) -> str:
        about = self.spec.project
        when = ", ".join(str(x) for x in (about.year, about.season) if x)
        return (
            f"Project {about.name!r}{f' ({when})' if when else ''}\n  {self.grid}\n  species: {', '.join(self.species_ids)}\n"
            f"  layers: {', '.join(self.spec.layers)}\n  {about.statement}".rstrip()
        )


# ---------------------------------------------------------------- reading and checking
def open_project(path: str | Path) -> Project:
    """Read a project file.

    Parameters
    ----------
    path : path
        The TOML file, or the folder of a ``project.toml``.

    Returns
    -------
    Project
        Layers are read when they are asked for.

    Raises
    ------
    ProjectError
        J01 the file is missing, J02 it is not TOML, J03 with all its unknown or wrong keys.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> project.spec.grid.cell_size_m
    1000.0
    """
    path = Path(path)
    if path.is_dir():
        path = path / "project.toml"
    if not path.is_file():
        raise ProjectError(
            "J01",
            f"there is no project file {str(path)!r}.",
            remedy="`permeability new DIR` makes one to start from",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark at the front
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ProjectError(
            "J02",
            f"{path.name} is not valid TOML: {exc}",
            remedy=_toml_remedy(path, exc),
            layer=path.name,
        ) from exc
    try:
        return Project(path.resolve(), ProjectSpec.model_validate(data))
    except ValidationError as exc:
        findings = tuple(_key_findings(exc, path.name, text))
        error = ProjectError(
            "J03", f"{path.name} has {len(findings)} keys that cannot be used.", layer=path.name,
            details={str(i): f.what for i, f in enumerate(findings, start=1)}, remedy=findings[0].remedy,
        )  # fmt: skip
        error.findings = findings
        raise error from exc


def _toml_remedy(path: Path, why: Exception) -> str:
    """What to do about a file that is not TOML; the two slips of a Windows editor by name."""
    if isinstance(why, UnicodeDecodeError):
        return "save the file as UTF-8 (in Notepad: Save as, Encoding UTF-8)"
    if b"\\" in path.read_bytes():
        return "write paths with / or in 'single quotes': a backslash in double quotes is an escape"
    return "mend the line that is named"


def _key_findings(exc: ValidationError, name: str, text: str) -> Iterator[Finding]:
    for issue in exc.errors():
        places = issue["loc"]
        where = ".".join(str(p) for p in issue["loc"])
        if issue["type"] == "extra_forbidden":
            valid = valid_keys(issue["loc"][:-1])
            guess = nearest(issue["loc"][-1], valid)
            remedy = f"did you mean {guess!r}?" if guess else f"valid keys here: {', '.join(valid)}"
            yield Finding("J03", f"unknown key {where!r}", remedy, name, tuple(line_of(text, *places)))
        elif issue["type"] == "missing":
            yield Finding(
                "J03", f"the key {where!r} is missing", "add it", name, tuple(line_of(text, *places[:-1]))
            )
        else:
            said = str(issue["msg"]).removeprefix("Value error, ")
            found = "" if isinstance(issue["input"], dict) else f" (found {issue['input']!r})"
            yield Finding("J03", f"{where}: {said}{found}", "correct it", name, tuple(line_of(text, *places)))
