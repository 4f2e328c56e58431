"""The project file: one TOML that says which layers, species, barriers and questions belong together.

Every key is checked; a key that is not known is an error with the nearest valid word.  :func:`check` collects all
problems at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from permeability import barriers as barrier_layer
from permeability import habitat, io, landscape, patches
from permeability.barriers import Barriers
from permeability.cuts import CutTable, cut_edges
from permeability.errors import Finding, LayerError, ProjectError, nearest
from permeability.grid import Grid
from permeability.habitat import FactorGround, Habitat
from permeability.landscape import Landscape
from permeability.patches import Patches
from permeability.scenario import FACTS, Intervention, Scenario, traffic_range
from permeability.species import SpeciesProfile, species
from permeability.unknowns import KINDS, VARY

__all__ = ["Project", "ProjectSpec", "check", "open_project"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class About(_Table):
    """``[project]``: what the run is about."""

    name: str
    statement: str = ""
    year: int | None = None
    season: str | None = None
    area: str = ""


class GridSpec(_Table):
    """``[grid]``: where the cells are."""

    crs: str
    cell_size_m: float = Field(gt=0)
    bounds: tuple[float, float, float, float]
    neighbours: Literal[4, 8, 16] = 8


class LayerSpec(_Table):
    """``[layers.NAME]``: one file, table or band."""

    path: str
    table: str | None = None
    where: dict[str, Any] = {}
    band: int = 1
    resampling: Literal["nearest", "bilinear", "cubic", "average", "mode", "max", "min"] | None = None
    scale: float = 1.0


class MaskSpec(_Table):
    """``[mask]``: which cells belong to the landscape."""

    inside: list[str] = []
    outside: list[str] = []


class FactorSpec(_Table):
    """``[factors.NAME]``: where a habitat factor comes from."""

    derive: Literal["slope", "distance", "class", "value"]
    layers: list[str]
    classes: list[int] = []


class HabitatSpec(_Table):
    """``[habitat]``: a suitability (0..1) or resistance raster in place of factors."""

    suitability: str | None = None
    resistance: str | None = None


class BarrierSpec(_Table):
    """``[barriers]``: line layers and kilometre posts."""

    layers: list[str]
    posts: str | None = None
    assume_fenced: Literal["no", "yes"] = "no"
    fenced_chance: float | None = Field(default=None, ge=0, le=1)


class SpeciesSpec(_Table):
    """``[species.ID]``: patches, range and numbers of a species."""

    patches: str
    range: str | None = None
    suitability: str | None = None
    resistance: str | None = None
    override: dict[str, Any] = {}


class CandidateSpec(_Table):
    """``[candidates]``: which stretches are ranked."""

    line: str
    length_km: float = Field(default=10.0, gt=0)
    treatment: str = "remove"
    km: tuple[float, float] | None = None


class RankingSpec(_Table):
    """``[ranking]``: how they are ranked."""

    top: int = Field(default=10, gt=0)
    draws: int = Field(default=0, ge=0)
    seed: int = 1
    budget_usd: float | None = Field(default=None, gt=0)
    vary: list[Literal[KINDS]] = list(VARY)  # type: ignore[valid-type]
    draws_anew: int | None = Field(default=None, gt=0)
    worth_usd_per_gain: float | None = Field(default=None, gt=0)


class StepSpec(_Table):
    """``[[scenarios.steps]]``: one intervention."""

    action: Literal["remove", "treat", "drop", "add", "set"]
    line: str
    km: float | tuple[float, float] | None = None
    treatment: str | None = None
    width_m: float | None = Field(default=None, gt=0)
    components: list[str] | None = None
    options: dict[str, Any] = {}


class ScenarioSpec(_Table):
    """``[[scenarios]]``: a named list of interventions, in another year or with other layers if it says so."""

    name: str
    steps: list[StepSpec] = []
    year: int | None = None
    layers: dict[str, str] = {}


class ProjectSpec(_Table):
    """The whole file.

    Examples
    --------
    >>> ProjectSpec.model_fields["species"].is_required()
    True
    """

    project: About
    grid: GridSpec
    layers: dict[str, LayerSpec]
    mask: MaskSpec = MaskSpec()
    factors: dict[str, FactorSpec] = {}
    habitat: HabitatSpec = HabitatSpec()
    barriers: BarrierSpec
    species: dict[str, SpeciesSpec]
    candidates: CandidateSpec | None = None
    ranking: RankingSpec = RankingSpec()
    scenarios: list[ScenarioSpec] = []


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
        return Grid.from_bounds(g.bounds, cell_size=g.cell_size_m, crs=g.crs)

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
            lambda: io.read_vector(
                self.folder / spec.path, spec.table, layer=name, where=spec.where, crs=self.grid.crs
            ),
        )

    def raster(self, name: str) -> NDArray[np.float64]:
        """A raster layer on the grid."""
        spec = self.layer(name)

        def read() -> NDArray[np.float64]:
            values, done = io.read_raster(
                self.folder / spec.path, self.grid, band=spec.band, resampling=spec.resampling, layer=name
            )
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
        base = species(name)
        spec = self.spec.species.get(name)
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
        parts = [barrier_layer.prepare(self.vector(name), posts=posts, layer=name) for name in spec.layers]
        return barrier_layer.concat(parts)

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
        spec = self.spec.mask
        mask = np.ones(self.grid.shape, bool)
        if spec.inside:
            mask = np.any([habitat.area_mask(self.vector(n), self.grid) for n in spec.inside], axis=0)
        for name in spec.outside:
            mask &= ~habitat.area_mask(self.vector(name), self.grid)
        return mask

    def factor(self, name: str) -> NDArray[np.float64]:
        """Raster of one habitat factor."""
        return self._once(f"factor {name}", lambda: self._derive(self.spec.factors[name]))

    def _derive(self, spec: FactorSpec) -> NDArray[np.float64]:
        if spec.derive == "slope":
            return habitat.slope_deg(self.raster(spec.layers[0]), self.grid)
        if spec.derive == "distance":
            return np.asarray(
                np.min([habitat.distance_km(self.vector(n), self.grid) for n in spec.layers], axis=0)
            )
        if spec.derive == "class":
            return habitat.class_share(self.raster(spec.layers[0]), spec.classes)
        return self.raster(spec.layers[0])

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
        factors = {f: self.factor(f) for f in self.spec.factors}
        return habitat.from_factors(
            self.profile(name), factors, self.mask, season=self.spec.project.season, level=level
        )

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
        factors = {f: self.factor(f) for f in self.spec.factors}
        return FactorGround(self.profile(name), factors, self.mask, self.spec.project.season)

    def patches(self, name: str) -> Patches:
        """Patches of a species on the grid."""
        layer = self.spec.species[name].patches
        return self._once(
            f"patches {name}", lambda: patches.place(self.vector(layer), self.landscape(name), layer=layer)
        )

    def range_mask(self, name: str) -> NDArray[np.bool_]:
        """Cells of the species' range; the whole landscape when the project gives none."""
        layer = self.spec.species[name].range
        land = self.landscape(name)
        return land.valid if layer is None else habitat.area_mask(self.vector(layer), self.grid) & land.valid

    def scenario(self, name: str) -> Scenario:
        """A scenario of the file by its name; ``today`` is the empty one."""
        found = {s.name: s for s in self.spec.scenarios}
        if name not in found:
            if name == "today":
                return Scenario()
            guess = nearest(name, found)
            raise ProjectError("J04", f"there is no scenario {name!r}.", remedy=f"did you mean {guess!r}?" if guess else "define it under [[scenarios]]")  # fmt: skip
        return Scenario(name, tuple(intervention(s) for s in found[name].steps))

    def with_cell_size(self, metres: float) -> Project:
        """The same project on cells of another size [m], for a quick look or a check of robustness."""
        grid = self.spec.grid.model_copy(update={"cell_size_m": float(metres)})
        return Project(self.path, self.spec.model_copy(update={"grid": grid}))

    def variant(self, name: str) -> Project:
        """The project with the year and the layers of one of its scenarios; itself when the scenario changes neither."""
        plan = next((s for s in self.spec.scenarios if s.name == name), None)
        if plan is None or (plan.year is None and not plan.layers):
            return self
        layers = dict(self.spec.layers)
        for old, new in plan.layers.items():
            self.layer(old)
            layers[old] = self.layer(new)
        about = (
            self.spec.project
            if plan.year is None
            else self.spec.project.model_copy(update={"year": plan.year})
        )
        return Project(
            self.path, self.spec.model_copy(update={"layers": layers, "project": about}), self.notes
        )

    def __repr__(self) -> str:
        about = self.spec.project
        when = ", ".join(str(x) for x in (about.year, about.season) if x)
        return (
            f"Project {about.name!r}{f' ({when})' if when else ''}\n  {self.grid}\n  species: {', '.join(self.species_ids)}\n"
            f"  layers: {', '.join(self.spec.layers)}\n  {about.statement}".rstrip()
        )


def intervention(step: StepSpec) -> Intervention:
    """An intervention from its lines in the project file."""
    a, b = (
        (step.km, step.km) if isinstance(step.km, (int, float)) else step.km or (float("-inf"), float("inf"))
    )
    options = traffic_range(step.options) if step.action in FACTS else step.options
    return Intervention(
        step.action, step.line, float(a), float(b), step.treatment,
        tuple(step.components) if step.components else None, None, step.width_m, options,
    )  # fmt: skip


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
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ProjectError(
            "J02",
            f"{path.name} is not valid TOML: {exc}",
            remedy="mend the line that is named",
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


def _key_findings(exc: ValidationError, name: str, text: str) -> Iterator[Finding]:
    for issue in exc.errors():
        places = [str(p) for p in issue["loc"] if not isinstance(p, int)]
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
            what = f"{where}: {issue['msg']} (found {issue['input']!r})"
            yield Finding("J03", what, "correct the value", name, tuple(line_of(text, *places)))


def line_of(text: str, *keys: str) -> list[str]:
    """Where a key or table stands in a TOML text, as rows of a finding; empty when it cannot be told.

    >>> line_of("[grid]\\ncell_size_m = 5\\ncrs = 'EPSG:4326'", "grid", "crs")
    ['line 3']
    """
    if not keys:
        return []
    *tables, key = keys
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if header:
            here = re.sub("[\"']", "", header.group(1))
            if here == ".".join(keys):
                return [f"line {number}"]
        elif here == ".".join(tables) and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return [f"line {number}"]
    return line_of(text, *tables)


def valid_keys(location: tuple[Any, ...]) -> list[str]:
    """Keys allowed at a place of the project file."""
    model: Any = ProjectSpec
    for part in location:
        if isinstance(part, int) or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        info = model.model_fields.get(str(part))
        if info is None:
            continue  # the name of a layer, factor or species
        model = next(_models(info.annotation), None)
        if model is None:
            return []
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    from typing import get_args

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def check(path: str | Path) -> list[Finding]:
    """Every input problem of a project at once; see :func:`permeability.checking.check_project`.

    Parameters
    ----------
    path : path
        Project file or its folder.

    Returns
    -------
    list of Finding
        Errors, warnings and notes; empty when there is nothing to say.

    Examples
    --------
    >>> import permeability as pm
    >>> pm.check(pm.sample_folder())  # nothing to say about the sample
    []
    """
    from permeability.checking import check_project

    return check_project(path)
