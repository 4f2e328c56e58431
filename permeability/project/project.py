"""The project file: one TOML that says which layers, species, barriers and questions belong together.

Every key is checked; a key that is not known is an error with the nearest valid word.  :func:`check` collects all
problems at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from permeability.barriers import lines as barrier_layer
from permeability.barriers.edge_cuts import CutTable, cut_edges
from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import Scenario
from permeability.core.errors import Finding, ProjectError, nearest
from permeability.core.guesses import no_such_name
from permeability.landscape import habitat, landscape, patches
from permeability.landscape.habitat import FactorGround, Habitat
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.grid import Grid
from permeability.project.ranking_spec import build_candidates
from permeability.project.reading import ProjectLayers
from permeability.project.recipe import (
    added_later,
    factor_values,
    given_resistance,
    landscape_mask,
    project_profile,
    resistance_source,
)
from permeability.project.scenario_spec import (
    TODAY,
    chain_of,
    interventions_of,
    steps_of,
    year_of,
)
from permeability.project.spec import ProjectSpec, valid_keys
from permeability.project.toml_lines import line_of
from permeability.project.variants import changed_layers, untouched
from permeability.ranking.candidate_sites import Candidate
from permeability.species import SpeciesProfile

__all__ = ["Project", "open_project"]

GUESSES = {
    "run": "pm.run_project(project)", "rank": "pm.run_project(project), or pm.rank with its landscape, patches and candidates",
    "species": "species_ids", "plot": "landscape(species).plot()", "layers": "spec.layers", "config": "spec",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Project(ProjectLayers):
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

    @property
    def species_ids(self) -> list[str]:
        """Species of the project."""
        return list(self.spec.species)

    # ---------------------------------------------------------------- domain objects
    def profile(self, name: str) -> SpeciesProfile:
        """Profile of a species with the project's own numbers."""
        return project_profile(self.spec, name, self.path)

    @property
    def barriers(self) -> Barriers:
        """All barriers with their kilometres, planned ones included."""
        return self._once("barriers", self._read_barriers)

    @property
    def barriers_read(self) -> Barriers | None:
        """All barriers where somebody has asked for them already."""
        return self._cache.get("barriers")

    def _read_barriers(self) -> Barriers:
        spec = self.spec.barriers
        posts = self.vector(spec.posts) if spec.posts else None
        tables = {name: self.vector(name) for name in spec.layers}
        found = barrier_layer.prepare_layers(
            tables, posts=posts, snap_m=spec.snap_m, as_one=spec.as_one, count_both=spec.count_both
        )
        self.notes.extend(f.what for f in found.findings)
        return found

    @property
    def cuts(self) -> CutTable:
        """Cut table of all barriers, shared by all species."""
        return self._once(
            "cuts", lambda: cut_edges(self.barriers, self.grid, neighbours=self.spec.grid.neighbours)
        )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Cells of the landscape."""
        return self._once("mask", lambda: landscape_mask(self.spec.mask, self.area, self.grid))

    def factor(self, name: str) -> NDArray[np.float64]:
        """Raster of one habitat factor."""
        return self._once(f"factor {name}", lambda: factor_values(self.spec.factors[name], self))

    def habitat(self, name: str, level: str = "best") -> Habitat:
        """Resistance of a species and the factors behind it."""
        return self._once(f"habitat {name} {level}", lambda: self._habitat(name, level))

    def _habitat(self, name: str, level: str) -> Habitat:
        source = resistance_source(self.spec, name)
        if source is not None:
            return given_resistance(
                source, self.layer(source.layer).path, self.raster(source.layer), self.mask
            )
        made = self._factor_ground(name)
        return habitat.from_factors(
            made.profile, made.factors, made.mask, season=made.season, level=level, no_value=made.no_value
        )

    def _factor_ground(self, name: str) -> FactorGround:
        factors = {f: self.factor(f) for f in self.spec.factors}
        no_value = {f: s.no_value for f, s in self.spec.factors.items()}
        return FactorGround(self.profile(name), factors, self.mask, self.spec.project.season, no_value)

    def landscape(self, name: str) -> Landscape:
        """Landscape of a species as it stands in the project's year."""
        return self._once(f"landscape {name}", lambda: self._landscape(name))

    def _landscape(self, name: str) -> Landscape:
        about = self.spec.project
        return landscape.build(
            self.grid, self.habitat(name).resistance, self.barriers, self.profile(name),
            neighbours=self.spec.grid.neighbours, year=about.year, season=about.season,
            assume_fenced=self.spec.barriers.assume_fenced, cuts=self.cuts,
            fenced_chance=self.spec.barriers.fenced_chance, ground=None if resistance_source(self.spec, name) else self._factor_ground(name),
        )  # fmt: skip

    def patches(self, name: str) -> Patches:
        """Patches of a species on the grid."""
        return self._once(f"patches {name}", lambda: self._patches(name))

    def _patches(self, name: str) -> Patches:
        spec = self.spec.species[name]
        return patches.place(
            self.vector(spec.patches), self.landscape(name), layer=spec.patches, on_barrier=spec.on_barrier,
            also=added_later(self.barriers, self._steps_and_years()),
        )  # fmt: skip

    def _steps_and_years(self) -> Iterator[tuple[Scenario, int | None]]:
        for name in self.scenario_names:
            yield self.scenario(name), year_of(chain_of(self.spec.scenarios, name))

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

    def on_grid(self, grid: Grid, resampling: Mapping[str, str] | None = None) -> Project:
        """The same project on another grid in the same coordinate system; lines and areas are not read again.

        Parameters
        ----------
        grid : Grid
        resampling : mapping, optional
            Raster layer -> how it is brought onto the grid, in place of what the file says.

        Returns
        -------
        Project
        """
        where: dict[str, Any] = {"bounds": grid.bounds, "cell_size_m": grid.cell_size, "like": None}
        if self.spec.grid.like is not None:
            where["crs"] = grid.crs.to_wkt()
        layers = dict(self.spec.layers)
        for name, how in (resampling or {}).items():
            layers[name] = layers[name].model_copy(update={"resampling": how})
        update = {"grid": self.spec.grid.model_copy(update=where), "layers": layers}
        kept = {k: v for k, v in self._cache.items() if k.startswith("vector ") or k == "barriers"}
        return Project(self.path, self.spec.model_copy(update=update), _cache=kept)

    def variant(self, name: str) -> Project:
        """The project with the year and the layers of one of its scenarios; itself when it changes neither."""
        chain = chain_of(self.spec.scenarios, name)
        year, layers, factors = year_of(chain), *changed_layers(self.spec, chain)
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
        kept = {k: self._cache[k] for k in untouched(self.spec, self._cache, set(layers), set(factors))}
        return self._once(key, lambda: Project(self.path, spec, self.notes, kept))

    @classmethod
    def from_file(cls, path: str | Path) -> Project:
        """The same as :func:`open_project`."""
        return open_project(path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"'Project' object has no attribute {name!r}")
        raise no_such_name("'Project' object", name, [k for k in dir(type(self)) if k[0] != "_"], GUESSES)

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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
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
