"""Every input problem of a project at once: what ``permeability check`` lists.

One broken thing must not hide the next.  A wrong key is renamed or left out, a grid in degrees is replaced by a
metric one, a raster on another grid is judged by its own cells, and the checks go on; nothing is computed or
written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from permeability.barriers import lines as barrier_layer
from permeability.barriers.crossing_costs import components_of, require_effect
from permeability.barriers.scenario import FACTS, Intervention
from permeability.core.errors import (
    Finding,
    GridError,
    PermeabilityError,
    ProjectError,
    check_choice,
    nearest,
)
from permeability.landscape import habitat, landscape, patches
from permeability.layers import rasters, whole_files
from permeability.layers.grid import Grid, in_degrees, suggest_crs
from permeability.planning.budget_choice import plan_rules
from permeability.project.column_mapping import garbled, read_own_layer
from permeability.project.project import Project, open_project
from permeability.project.ranking_spec import PortfolioSpec
from permeability.project.scenario_spec import (
    TODAY,
    ScenarioSpec,
    StepSpec,
    built_later,
    chain_of,
    interventions_of,
    year_of,
)
from permeability.project.spec import GridSpec, ProjectSpec, SpeciesSpec, valid_keys
from permeability.project.toml_lines import line_of
from permeability.ranking.ranking import short_candidates, stretches
from permeability.species import SpeciesProfile, species, species_list

__all__ = ["check"]

T = TypeVar("T")
MOST_CELLS = 50_000_000  # a grid that only stands in for a broken one is kept below this
RASTER_ENDINGS = (".tif", ".tiff", ".asc", ".vrt", ".img")


def check_project(path: str | Path) -> list[Finding]:
    """Every input problem of a project at once.

    Parameters
    ----------
    path : path
        The project file, or its folder.

    Returns
    -------
    list of Finding
        Empty when the project can be run.  Each names its layer (or file), the rows, cells or lines concerned, and
        a remedy.
    """
    path = Path(path)
    findings, project = _open_tolerantly(path)
    if project is None:
        return findings
    return _Checker(project, findings).run()


# ---------------------------------------------------------------- reading a file with wrong keys
def _open_tolerantly(path: Path) -> tuple[list[Finding], Project | None]:
    """Findings on the keys of a file, and the project with the wrong keys mended or left out, if it can be."""
    try:
        return [], open_project(path)
    except ProjectError as error:
        findings = list(error.findings) or [error.finding()]
        if error.code != "J03":
            return findings, None
    path = path / "project.toml" if path.is_dir() else path
    data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    for _ in range(50):
        try:
            return findings, Project(path.resolve(), ProjectSpec.model_validate(data))
        except ValidationError as exc:
            issues = exc.errors()
            mended = [_rename(data, i["loc"]) for i in issues if i["type"] == "extra_forbidden"]
            if not any(mended) and sum(_leave_out(data, i["loc"], i["type"]) for i in issues) == 0:
                return findings, None
    return findings, None


def _rename(data: Any, location: tuple[Any, ...]) -> bool:
    """Give a misspelt key the nearest valid name that is not taken."""
    table, last = _walk(data, location)
    word = nearest(last, valid_keys(location[:-1]))
    if not isinstance(table, dict) or last not in table or word is None or word in table:
        return False
    table[word] = table.pop(last)
    return True


def _leave_out(data: Any, location: tuple[Any, ...], kind: str) -> bool:
    """Take a wrong key out; for a missing one, the table that lacks it."""
    if kind == "missing":
        location = location[:-1]
    if not location:
        return False
    table, last = _walk(data, location)
    if isinstance(table, dict) and last in table:
        del table[last]
        return True
    if isinstance(table, list) and isinstance(last, int) and last < len(table):
        del table[last]
        return True
    return _leave_out(data, location[:-1], "") if len(location) > 1 else False


def _walk(data: Any, location: tuple[Any, ...]) -> tuple[Any, Any]:
    """The table or list that holds the last part of a location; parts that are not there are names of types."""
    *parents, last = location
    for part in parents:
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
    return data, last


# ---------------------------------------------------------------- the checks
class _Checker:
    """Collects findings about one project."""

    def __init__(self, project: Project, findings: list[Finding]) -> None:
        self.project, self.findings = project, findings
        self.text = project.path.read_text(encoding="utf-8-sig")
        self.file = project.path.name
        self._seen = {(f.code, f.layer, f.what) for f in findings}
        self.raw: dict[str, NDArray[np.float64]] = {}
        self.tables: dict[str, gpd.GeoDataFrame] = {}
        self.raster_crs: dict[str, CRS] = {}

    def run(self) -> list[Finding]:
        """All checks in the order a user would mend things."""
        names = self._layers_in_use()
        self._read_layers(names)
        self._grid()
        self._rasters()
        self._factors()
        self._barriers()
        for name, spec in self.project.spec.species.items():
            self._species(name, spec)
        self._interventions()
        if not any(f.severity == "error" for f in self.findings):
            for name in self.project.spec.species:
                self.attempt(partial(self._patches, name))
                self.attempt(partial(self.project.range_mask, name))
        return self.findings

    def add(self, finding: Finding) -> None:
        """Note a finding once."""
        key = (finding.code, finding.layer, finding.what)
        if key not in self._seen:
            self._seen.add(key)
            self.findings.append(finding)

    def attempt(
        self, action: Callable[[], T], *, layer: str | None = None, rows: list[str] | None = None
    ) -> T | None:
        """The result of an action, or None with a finding; ``layer`` and ``rows`` where the error names none."""
        try:
            return action()
        except PermeabilityError as error:
            error.layer = error.layer or layer or self.file
            error.rows = error.rows or [*(rows or [])]
            self.add(error.finding())
            return None

    # ------------------------------------------------------------ layers
    def _layers_in_use(self) -> list[str]:
        """Names of all layers; names that are used but not defined are findings."""
        spec = self.project.spec
        used: list[tuple[str, tuple[str, ...]]] = [(n, ("barriers", "layers")) for n in spec.barriers.layers]
        used += [(spec.barriers.posts, ("barriers", "posts"))] if spec.barriers.posts else []
        used += [(n, ("mask", "inside")) for n in spec.mask.inside] + [
            (n, ("mask", "outside")) for n in spec.mask.outside
        ]
        used += [(n, ("factors", f, "layers")) for f, s in spec.factors.items() for n in s.layers]
        for key in ("suitability", "resistance"):
            used += [(n, ("habitat", key)) for n in [getattr(spec.habitat, key)] if n]
        for name, mine in spec.species.items():
            for key in ("patches", "range", "suitability", "resistance"):
                used += [(n, ("species", name, key)) for n in [getattr(mine, key)] if n]
        used += [(c.layer, ("candidates", "layer")) for c in spec.candidates if c.layer]
        for layer, where in used:
            self.attempt(partial(self.project.layer, layer), rows=line_of(self.text, *where))
        return list(spec.layers)

    def is_raster(self, name: str) -> bool:
        """Whether a layer is used as, or looks like, a raster."""
        spec = self.project.spec
        cells = {n for f in spec.factors.values() if f.derive != "distance" for n in f.layers}
        cells |= set(self._value_layers())
        return name in cells or Path(spec.layers[name].path).suffix.lower() in RASTER_ENDINGS

    def _value_layers(self) -> dict[str, str]:
        """Layers that hold resistance or suitability, and which of the two."""
        spec = self.project.spec
        found = {
            str(n): "suitability"
            for n in [spec.habitat.suitability, *(s.suitability for s in spec.species.values())]
            if n
        }
        found |= {
            str(n): "resistance"
            for n in [spec.habitat.resistance, *(s.resistance for s in spec.species.values())]
            if n
        }
        return {n: kind for n, kind in found.items() if n in spec.layers}

    def _read_layers(self, names: list[str]) -> None:
        """Read every layer as it lies in its file."""
        for name in names:
            spec = self.project.spec.layers[name]
            path = self.project.folder / spec.path
            if self.is_raster(name):
                got = self.attempt(partial(rasters.raw_raster, path, band=spec.band, layer=name))
                if got is not None:
                    self.raw[name] = got[0] * spec.scale
                    if got[1] is not None:
                        self.raster_crs[name] = got[1]
            else:
                table = self.attempt(
                    partial(read_own_layer, path, spec.table, spec.where, spec, layer=name), layer=name
                )
                if table is not None:
                    self.tables[name] = table
                    warning = garbled(path, table, spec, name)
                    if warning is not None:
                        self.add(warning)

    # ------------------------------------------------------------ grid
    def _grid(self) -> None:
        """The project grid; when it cannot be used, a metric one that stands in for it."""
        try:
            _ = self.project.grid
            return
        except GridError as error:
            grid = self._stand_in()
            if error.code == "G01" and "example" not in error.remedy and grid is not None:
                error.remedy += f', for example crs = "{grid.crs}"'
            error.layer = "grid"
            error.rows = [*line_of(self.text, "grid", "bounds" if error.code == "G04" else "crs")]
            self.add(error.finding())
        if grid is not None:
            self.project = Project(self.project.path, self.project.spec.model_copy(update={"grid": grid}))

    def _stand_in(self) -> GridSpec | None:
        """A grid in metres over the same area: in the CRS of the project's rasters or lines, else a suggested one."""
        spec = self.project.spec.grid
        degrees = in_degrees(spec.bounds)
        metric = [c for c in self.raster_crs.values() if _is_metric(c)]
        metric += [t.crs for t in self.tables.values() if _is_metric(t.crs)]
        try:
            if metric:
                crs = f"EPSG:{metric[0].to_epsg()}" if metric[0].to_epsg() else metric[0].to_wkt()
            elif degrees:
                crs = str(suggest_crs(spec.bounds)["crs"].iloc[0])
            else:
                return None
            box = spec.bounds
            if degrees:
                box = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(*spec.bounds)
            cell = spec.cell_size_m if spec.cell_size_m >= 1 else spec.cell_size_m * 111_000.0
            cell = max(cell, float(np.sqrt(abs((box[2] - box[0]) * (box[3] - box[1])) / MOST_CELLS)))
            found = GridSpec(crs=crs, cell_size_m=cell, bounds=box, neighbours=spec.neighbours)
            Grid.from_bounds(box, cell_size=cell, crs=crs)
        except (GridError, CRSError, ValidationError, OverflowError):
            return None
        return found

    @property
    def grid(self) -> Grid | None:
        """The grid, or what stands in for it."""
        try:
            return self.project.grid
        except GridError:
            return None

    # ------------------------------------------------------------ rasters and habitat
    def _rasters(self) -> None:
        kinds = self._value_layers()
        for name, values in self.raw.items():
            if self.grid is not None:
                self.attempt(partial(self.project.raster, name))
            if kinds.get(name) == "resistance":
                mine = self._on_mask(values)
                self.attempt(partial(landscape.check_resistance, mine, layer=name))
            elif kinds.get(name) == "suitability":
                mine = self._on_mask(values)
                self.attempt(partial(habitat.from_suitability, mine, layer=name))

    def _on_mask(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values inside the mask where raster and mask fit, all values otherwise."""
        mask = self._mask()
        return np.where(mask, values, np.nan) if mask is not None and mask.shape == values.shape else values

    def _mask(self) -> NDArray[np.bool_] | None:
        """The mask from those of its layers that can be used."""
        spec = self.project.spec.mask
        if self.grid is None:
            return None
        areas = [
            habitat.area_mask(self.tables[n].to_crs(self.grid.crs), self.grid)
            for n in spec.inside
            if n in self.tables
        ]
        mask = np.any(areas, axis=0) if areas else np.ones(self.grid.shape, bool)
        for name in spec.outside:
            if name in self.tables:
                mask &= ~habitat.area_mask(self.tables[name].to_crs(self.grid.crs), self.grid)
        return np.asarray(mask)

    def _factors(self) -> None:
        """Names of factors that no species knows."""
        known = sorted({row.factor for name in species_list() for row in species(name).habitat})
        for name in self.project.spec.factors:
            if name not in known:
                guess = nearest(name, known)
                self.add(Finding(
                    "J03", f"no species knows a habitat factor {name!r}",
                    f"did you mean {guess!r}?" if guess else f"use one of {', '.join(known)}",
                    self.file, tuple(line_of(self.text, "factors", name)),
                ))  # fmt: skip

    # ------------------------------------------------------------ lines
    def _barriers(self) -> None:
        spec = self.project.spec.barriers
        usable = []
        posts = self.tables.get(spec.posts) if spec.posts else None
        for name in spec.layers:
            table = self.tables.get(name)
            if table is None:
                continue
            table = table.to_crs(self.grid.crs) if self.grid is not None else table
            problems = barrier_layer.row_problems(table, name)
            if self.grid is None:  # degrees are the grid's fault here
                problems = [p for p in problems if p.code != "G01"]
            for problem in problems:
                if problem.code == "L04":
                    problem.remedy += f", or rename one of these under [layers.{name}.columns]"
                self.add(problem.finding())
            if not problems and self.grid is not None:
                usable.append(name)
                moved = posts.to_crs(self.grid.crs) if posts is not None else None
                self.attempt(partial(barrier_layer.prepare, table, posts=moved, layer=name))
        if len(usable) > 1:
            self._ids_across(usable)

    def _ids_across(self, names: list[str]) -> None:
        """Ids that stand in two layers."""
        ids = pd.concat([self.tables[n]["id"].astype(str) + f"@{n}" for n in names])
        plain = ids.str.rpartition("@")[0]
        twice = ids[plain.duplicated(keep=False)]
        if len(twice):
            rows = tuple(f"{a} ({b})" for a, _, b in (i.rpartition("@") for i in twice))
            self.add(
                Finding(
                    "L05",
                    "ids stand in more than one barrier layer.",
                    "give every barrier its own id",
                    ", ".join(names),
                    rows,
                )
            )

    # ------------------------------------------------------------ species and patches
    def _species(self, name: str, spec: SpeciesSpec) -> None:
        profile = self.attempt(partial(self.project.profile, name), rows=line_of(self.text, "species", name))
        if profile is not None:
            self._traces(profile)
        table = self.tables.get(spec.patches)
        if table is None or self.grid is None:
            return
        _, problems = patches.try_labels(table, self.grid, self._valid(spec), layer=spec.patches)
        for problem in problems:
            self.add(problem.finding())
        if len(table) < 2:
            self.add(Finding(
                "P07", "one patch alone has nothing to be connected with.", "give at least two patches", spec.patches,
                tuple(map(str, table.get("id", table.index))), severity="warning",
            ))  # fmt: skip

    def _traces(self, profile: SpeciesProfile) -> None:
        """Say it where a changed trace length does not reach every class of barriers."""
        shipped, own = species(profile.id), profile.trace_by_class
        left = [k for k, e in own.items() if e == shipped.trace_by_class.get(k)]
        if left and profile.trace_km != shipped.trace_km:
            self.add(Finding(
                "S06", "the trace length was changed, but some classes of barriers keep their own.",
                "change trace_km.<class> too where it should differ", profile.id, tuple(left),
                {k: own[k].text() for k in left}, severity="note",
            ))  # fmt: skip

    def _patches(self, name: str) -> None:
        """Place the patches; what barriers cross is told."""
        for finding in self.project.patches(name).findings:
            self.add(finding)

    def _valid(self, spec: SpeciesSpec) -> NDArray[np.bool_]:
        """Cells a species can be on, as far as its layers can be read."""
        grid, mask = self.grid, self._mask()
        assert grid is not None
        assert mask is not None
        common = self.project.spec.habitat
        name = spec.resistance or spec.suitability or common.resistance or common.suitability
        if name is None or name not in self.raw:
            return mask
        layer = self.project.spec.layers[name]
        try:
            values, _ = rasters.read_raster(
                self.project.folder / layer.path,
                grid,
                band=layer.band,
                resampling=layer.resampling or "nearest",
                layer=name,
            )
        except PermeabilityError:  # noted when the raster itself was checked
            return mask
        return mask & ~np.isnan(values)

    # ------------------------------------------------------------ scenarios and candidates
    def _interventions(self) -> None:
        """Steps of scenarios and the candidates: lines, kilometres, treatments."""
        spec = self.project.spec
        try:
            all_barriers = self.project.barriers
        except PermeabilityError:  # noted with its layer
            return
        for number, scenario in enumerate(spec.scenarios):
            self._scenario(number, scenario)
        self._comparison()
        for number, wanted in enumerate(spec.candidates):
            rows = line_of(self.text, "candidates", "line" if wanted.line else "lines")
            for line in wanted.all_lines:
                self.attempt(partial(all_barriers.rows_of, line), layer=_table_name(spec, number), rows=rows)
        if spec.portfolio != PortfolioSpec() and spec.ranking.budget_usd is None:
            self.add(Finding(
                "J08", "[portfolio] asks for a choice, but no budget is given", "set ranking.budget_usd", self.file,
                tuple(line_of(self.text, "portfolio")),
            ))  # fmt: skip
        for name in spec.portfolio.weights:
            self.attempt(partial(check_choice, "portfolio.weights", name, list(spec.species)))
        if spec.candidates and not any(f.severity == "error" for f in self.findings):
            for name in spec.species:
                self._candidates(name)

    def _scenario(self, number: int, plan: ScenarioSpec) -> None:
        """One scenario: its name, what it builds on, its layers, and every step by itself."""
        spec, layer = self.project.spec, f"scenario {plan.name!r}"
        at = partial(line_of, self.text, "scenarios", number)
        if plan.name in [s.name for s in spec.scenarios[:number]] or (plan.name == TODAY and plan.steps):
            what = "stands for the project as it is" if plan.name == TODAY else "is the name of two scenarios"
            self.add(
                Finding("J13", f"{plan.name!r} {what}.", "give it another name", layer, tuple(at("name")))
            )
        chain = self.attempt(partial(chain_of, spec.scenarios, plan.name), layer=layer, rows=at("based_on"))
        for name in (n for pair in plan.layers.items() for n in pair):
            self.attempt(partial(self.project.layer, name), rows=at("layers"))
        before: list[Intervention] = []
        for other in (chain or [])[:-1]:
            before += [i for s in other.steps for i in self._taken(s) or []]
        for i, step in enumerate(plan.steps):
            where = [f"step {i + 1}", *at("steps", i)]
            taken = self.attempt(partial(self._effect, step, before), layer=layer, rows=where)
            before += taken or []
            year = year_of(chain) if chain else plan.year
            if built_later(step, year):
                what = (
                    f"step {i + 1} is built in {step.built}, after the scenario's year {year}: it is left out"
                )
                self.add(
                    Finding(
                        "J11",
                        what,
                        "give the scenario a later year, or none",
                        layer,
                        tuple(where),
                        severity="warning",
                    )
                )
        if chain and not any(f.severity == "error" and f.layer == layer for f in self.findings):
            self.attempt(partial(self.project.variant, plan.name), layer=layer, rows=at("layers"))

    def _taken(self, step: StepSpec) -> list[Intervention] | None:
        """Interventions of a step of another scenario; its faults are noted there."""
        try:
            return interventions_of(step, self.project.barriers)
        except PermeabilityError:
            return None

    def _comparison(self) -> None:
        """Names in ``[comparison]``."""
        spec = self.project.spec
        for key in ("baseline", "cumulative"):
            name = getattr(spec.comparison, key)
            if name is not None:
                rows = line_of(self.text, "comparison", key)
                self.attempt(partial(chain_of, spec.scenarios, name), layer="comparison", rows=rows)

    def _effect(self, spec: StepSpec, before: list[Intervention]) -> list[Intervention]:
        """Refuse a step that cannot be taken after others, for any species that can be read."""
        if spec.action == "layer":
            self._layer_step(spec)
        steps = interventions_of(spec, self.project.barriers)
        for step in steps:
            self.project.barriers.rows_of(step.line)
            if step.action not in FACTS:
                for land in self._lands([*before, *steps]):
                    require_effect(step, self.project.barriers, *land)
        return steps

    def _layer_step(self, spec: StepSpec) -> None:
        """Layers and files that a step names."""
        if spec.layer is not None:
            known = self.project.layer(spec.layer)
            if spec.use is not None:
                self.project.layer(spec.use)
            if spec.path is not None:
                whole_files.require_file(self.project.folder / spec.path, layer=spec.layer)
            if spec.scale is not None and not self.is_raster(spec.layer):
                raise ProjectError(
                    "J12", f"layer {spec.layer!r} ({known.path}) is no raster: its values cannot be scaled.",
                    remedy="scale a raster, or the habitat factor that is made from the layer",
                )  # fmt: skip

    def _lands(self, steps: list[Intervention]) -> list[tuple[Any, Any]]:
        """Components after facts of lines were changed, and the profile, for every species that can be read."""
        facts: dict[int, dict[str, Any]] = {}
        for step in steps:
            if step.action in FACTS:
                for i in map(int, self.project.barriers.rows_of(step.line)):
                    facts[i] = {**facts.get(i, {}), **step.options}
        out = []
        for profile, components, context in self._components():
            mine = list(components)
            for i, changed in facts.items():
                row = {**self.project.barriers.table.iloc[i].to_dict(), **changed}
                mine[i] = components_of(row, profile, **context)
            out.append((mine, profile))
        return out

    def _components(self) -> list[tuple[Any, Any, dict[str, Any]]]:
        about, found = self.project.spec.project, []
        context = {
            "year": about.year,
            "season": about.season,
            "assume_fenced": self.project.spec.barriers.assume_fenced,
        }
        for name in self.project.spec.species:
            try:
                profile = self.project.profile(name)
            except PermeabilityError:  # noted with the species
                continue
            found.append(
                (profile, landscape.all_components(self.project.barriers, profile, **context), context)
            )
        return found

    def _candidates(self, name: str) -> None:
        """The candidates of a species, and the rules of the choice about them."""
        spec = self.project.spec
        rows = line_of(self.text, "candidates")
        sites = self.attempt(partial(self.project.candidates, name), layer="candidates", rows=rows)
        if sites is None:
            return
        asked = spec.portfolio
        rules = partial(
            plan_rules, sites, must=asked.must, must_not=asked.must_not, min_spacing_km=asked.spacing_km,
            per_stretch=asked.per_stretch,
        )  # fmt: skip
        self.attempt(rules, layer="portfolio", rows=line_of(self.text, "portfolio"))
        for what in short_candidates(stretches(sites), spec.grid.cell_size_m):
            if name == self.project.species_ids[0]:
                self.add(Finding(
                    "J14", what, "take sections of at least four cells, or smaller cells", self.file, tuple(rows), severity="warning"
                ))  # fmt: skip
        for site in spec.cost_benefit.collisions_avoided:
            self.attempt(
                partial(check_choice, "cost_benefit.collisions_avoided", site, [s.id for s in sites]),
                layer="cost_benefit", rows=line_of(self.text, "cost_benefit", "collisions_avoided"),
            )  # fmt: skip
        if spec.cost_benefit.collisions_avoided and spec.cost_benefit.usd_per_collision is None:
            self.add(Finding(
                "J09", "collisions avoided are given without what one costs", "set cost_benefit.usd_per_collision",
                self.file, tuple(line_of(self.text, "cost_benefit", "collisions_avoided")),
            ))  # fmt: skip


def _table_name(spec: ProjectSpec, number: int) -> str:
    return "candidates" if len(spec.candidates) == 1 else f"candidates, table {number + 1}"


def _is_metric(crs: CRS) -> bool:
    return bool(crs.is_projected and abs(crs.axis_info[0].unit_conversion_factor - 1.0) < 1e-12)


def check(path: str | Path) -> list[Finding]:
    """Every input problem of a project at once; see :func:`permeability.project.checking.check_project`.

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
    >>> [f.code for f in pm.check(pm.sample_folder())]  # its sections are short for its cells
    ['J14']
    """

    return check_project(path)
