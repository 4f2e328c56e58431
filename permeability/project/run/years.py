"""How the range fell apart: the same landscape in several years, and which line did what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.core.texts import N_
from permeability.impact.line_by_line import standing_lines
from permeability.landscape.landscape import Landscape, build
from permeability.linkage.index_table import BY_LINE
from permeability.linkage.landscape_indices import Indices
from permeability.linkage.measured import Measured, indices_from
from permeability.locale.language import Words, words
from permeability.project.project import Project

__all__ = ["Timeline", "in_year", "timeline"]


@dataclass(frozen=True, eq=False)
class Timeline:
    """Indices of a species by year.

    Attributes
    ----------
    species : str
    table : pandas.DataFrame
        One row per year: ``year``, ``lines`` standing, ``new_lines`` since the year before, and all indices.
    lines : pandas.DataFrame
        One row per line and year in which it is new: ``year``, ``line``, what taking it away in that year would
        give back (``given_back_<index>``).
    undated : list of str
        Lines without a date of opening: they stand in every year, which may be wrong.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     timeline(project, "khulan", [2020]).undated  # no dates of opening in this layer
    ['F', 'S']
    """

    species: str
    table: pd.DataFrame
    lines: pd.DataFrame
    undated: list[str]
    results: dict[float, Indices] = field(repr=False, default_factory=dict)

    def __repr__(self) -> str:
        return self.text()

    def text(self, tr: Words | None = None) -> str:
        """The years, the lines and what has no date; in English, or in the words of ``tr``.

        Parameters
        ----------
        tr : Words, optional
        """
        tr = words() if tr is None else tr
        columns = [
            "year",
            "lines",
            "range_pieces",
            *BY_LINE,
        ]
        head = tr(N_("{species} by year"), species=self.species)
        text = f"{head}\n{self.table[columns].to_string(index=False)}\n{self.lines.to_string(index=False)}"
        if self.undated:
            text += "\n" + tr(
                N_("without a date of opening, counted as always there: {lines}"),
                lines=", ".join(self.undated),
            )
        return text


@long_job("years")
def timeline(
    project: Project,
    species: str,
    years: Sequence[float],
    *,
    progress: Any = None,
) -> Timeline:
    """Indices of a species in several years, by the dates of the barrier layer.

    Parameters
    ----------
    project : Project
    species : str
        Id of a species of the project.
    years : sequence of float
        Calendar years.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    Timeline
        What stood in a year: barriers that exist or were removed, within their dates; those without a date of
        opening stand in every year and are listed.

    Raises
    ------
    OptionError
        O11 for what is no year.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     found = timeline(project, "khulan", [2010, 2020])
    >>> found.table["pairs_apart"].tolist()
    [1.0, 1.0]
    """
    wrong = [y for y in years if not math.isfinite(y)]
    if wrong:
        raise OptionError(
            "O11", "this is no year.", rows=[str(y) for y in wrong], remedy="give numbers such as 1996"
        )
    base, inside = project.landscape(species), project.range_mask(species)
    lands = {year: in_year(project, base, year) for year in sorted(years)}
    ever = np.any([x.standing for x in lands.values()], axis=0) if lands else base.standing
    patches = project.patches(species).on(replace(base, standing=ever, chances=None))  # one set of parts
    measured = Measured(base, patches, inside)
    open_cost = measured.bare.cost
    rows, blame, results = [], [], {}
    before: list[str] | None = None
    for year, land in lands.items():
        results[year] = now = indices_from(measured.state_of(land), open_cost, patches, land)
        lines = standing_lines(land)
        new = [x for x in lines if before is not None and x not in before]
        rows.append({"year": year, "lines": len(lines), "new_lines": ", ".join(new), **now.values})
        for line in new:
            state = measured.state_of(land.without_lines([line]))
            without = indices_from(state, open_cost, patches, land).values
            given = {f"given_back_{k}": without[k] - now.values[k] for k in BY_LINE}
            blame.append({"year": year, "line": line, **given})
        before = lines
        if progress is not None:
            progress(len(rows), len(lands))
    table = project.barriers.table
    open_ended = table["opened"].isna() & (table["status"] == "existing")
    return Timeline(
        species,
        pd.DataFrame(rows),
        pd.DataFrame(blame),
        list(dict.fromkeys(table["line"][open_ended])),
        results,
    )


def in_year(project: Project, base: Landscape, year: float) -> Landscape:
    """A landscape with the barriers of a year; grid, resistance and cut table are shared.

    Parameters
    ----------
    project : Project
    base : Landscape
    year : float
        Calendar year.

    Returns
    -------
    Landscape

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     int(in_year(project, project.landscape("khulan"), 2020).standing.sum())
    2
    """
    dated = build(
        base.grid, base.resistance, base.barriers, base.profile, neighbours=base.neighbours, year=year,
        season=project.spec.project.season, assume_fenced=project.spec.barriers.assume_fenced, cuts=base.cuts,
    )  # fmt: skip
    existed = base.barriers.standing(year, ("existing", "removed")).table["id"]
    return replace(dated, standing=base.barriers.table["id"].isin(existed).to_numpy(bool))
