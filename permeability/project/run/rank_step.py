"""The ranking of a project's candidates: a step of a run, or by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from permeability.core.errors import OptionError, check_choice
from permeability.core.progress import long_job
from permeability.core.tasks import RunOn
from permeability.linkage.measured import Measured
from permeability.project.project import Project, open_project
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import Ranking, rank

__all__ = ["measured_species", "rank_project", "rank_species"]


def measured_species(project: Project, name: str) -> Measured:
    """The landscape of a species; its fields are kept where candidates will be ranked.

    Parameters
    ----------
    project : Project
    name : str
        Of a species of the project.

    Returns
    -------
    Measured

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     measured_species(pm.open_project(pm.samples.tiny_project(f"{folder}/tiny")), "khulan").land.profile.id
    'khulan'
    """
    land, patches, inside = project.landscape(name), project.patches(name), project.range_mask(name)
    return Measured(land, patches, inside, keep_fields=bool(project.spec.candidates))


def rank_species(
    project: Project,
    measured: Measured,
    sites: Sequence[Candidate],
    on: RunOn,
    progress: Callable[[int, int], None] | None = None,
) -> Ranking:
    """The candidates of one species, ranked as the project says.

    Parameters
    ----------
    project : Project
    measured : Measured
        Landscape, patches and range of the species.
    sites : sequence of Candidate
    on : RunOn
        Threads or cluster, and where finished draws are kept.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    Ranking

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(pm.samples.tiny_project(f"{folder}/tiny"))
    ...     measured = measured_species(project, "khulan")
    ...     ranking = rank_species(project, measured, project.candidates("khulan"), RunOn(1))
    >>> len(ranking.table)
    4
    """
    how = project.spec.ranking
    return rank(
        measured.land, measured.patches, sites, inside=measured.inside, measured=measured, draws=how.draws, rng=how.seed, vary=how.vary,
        draws_anew=how.draws_anew, top=how.top, worth_usd_per_gain=how.worth_usd_per_gain, budget_usd=how.budget_usd, workers=on.workers,
        scheduler=on.scheduler, store=on.store, progress=progress,
    )  # fmt: skip


@long_job("rank", "steps")
def rank_project(
    project: Project | str | Path,
    *,
    species: Sequence[str] = (),
    progress: Any = None,
    workers: int | None = None,
) -> dict[str, Ranking]:
    """Rank the candidates of a project without anything else of a run; the numbers are those of the run.

    Parameters
    ----------
    project : Project or path
    species : sequence of str
        Ids of species of the project; all by default.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    dict
        Species id -> Ranking.

    Raises
    ------
    OptionError
        O13 when the project has no candidates, O01 for a species that it does not have.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = rank_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> found["khulan"].table["line"].unique().tolist()
    ['F']
    """
    project = project if isinstance(project, Project) else open_project(project)
    for name in species:
        check_choice("species", name, project.species_ids)
    on, out = RunOn(workers or os.cpu_count() or 1), {}
    with threadpool_limits(limits=1, user_api="blas"):
        for name in species or project.species_ids:
            sites = project.candidates(name)
            if sites:
                step = None if progress is None else _step(progress, f"{name}: ranking")
                out[name] = rank_species(project, measured_species(project, name), sites, on, step)
    if not out:
        raise OptionError(
            "O13", f"{project.spec.project.name!r} has no candidates to rank.", layer=project.path.name,
            remedy="say what could be done, and where, in a table [candidates] of the project file",
        )  # fmt: skip
    return out


def _step(progress: Callable[[str, int, int], None], name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
