"""Candidates: their lines, their sites on every species' landscape, and the rules of the choice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from permeability.barriers.database import check as faults_of
from permeability.core.errors import Finding, PermeabilityError, check_choice
from permeability.planning.budget_choice import plan_rules
from permeability.project.checks.findings import Findings, Readable
from permeability.project.ranking_spec import PortfolioSpec
from permeability.project.spec import ProjectSpec
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import short_candidates, stretches


def check(found: Findings, seen: Readable) -> None:
    """What is ranked, and what is asked about the choice."""
    spec = seen.spec
    for wanted in spec.candidates:
        if wanted.layer in seen.tables:
            for problem in faults_of(seen.tables[wanted.layer], "sites", label=wanted.layer, to_run=True):
                if problem.code != "K10":  # told when the sites are placed
                    found.add(problem)
    try:
        barriers = seen.project.barriers
    except PermeabilityError:  # noted with its layer
        return
    for number, wanted in enumerate(spec.candidates):
        rows = found.lines("candidates", "line" if wanted.line else "lines")
        for line in wanted.all_lines:
            found.attempt(partial(barriers.rows_of, line), layer=_table_name(spec, number), rows=rows)
    if spec.portfolio != PortfolioSpec() and spec.ranking.budget_usd is None:
        found.add(Finding(
            "J08", "[portfolio] asks for a choice, but no budget is given", "set ranking.budget_usd", found.file,
            tuple(found.lines("portfolio")),
        ))  # fmt: skip
    for name in spec.portfolio.weights:
        found.attempt(partial(check_choice, "portfolio.weights", name, list(spec.species)))
    if spec.candidates and not found.errors:
        for name in spec.species:
            _candidates(found, seen, name)


def _candidates(found: Findings, seen: Readable, name: str) -> None:
    """The candidates of a species, and the rules of the choice about them."""
    spec = seen.spec
    rows = found.lines("candidates")
    sites = found.attempt(partial(seen.project.candidates, name), layer="candidates", rows=rows)
    if sites is None:
        return
    _budget(found, spec, sites)
    for what in short_candidates(stretches(sites), spec.grid.cell_size_m):
        if name == seen.project.species_ids[0]:
            remedy = "take sections of at least four cells, or smaller cells"
            found.add(Finding("J14", what, remedy, found.file, tuple(rows), severity="warning"))
    asked = spec.portfolio
    rules = partial(
        plan_rules, sites, must=asked.must, must_not=asked.must_not, min_spacing_km=asked.spacing_km,
        per_stretch=asked.per_stretch,
    )  # fmt: skip
    found.attempt(rules, layer="portfolio", rows=found.lines("portfolio"))
    for site in spec.cost_benefit.collisions_avoided:
        found.attempt(
            partial(check_choice, "cost_benefit.collisions_avoided", site, [s.id for s in sites]),
            layer="cost_benefit", rows=found.lines("cost_benefit", "collisions_avoided"),
        )  # fmt: skip
    if spec.cost_benefit.collisions_avoided and spec.cost_benefit.usd_per_collision is None:
        found.add(Finding(
            "J09", "collisions avoided are given without what one costs", "set cost_benefit.usd_per_collision",
            found.file, tuple(found.lines("cost_benefit", "collisions_avoided")),
        ))  # fmt: skip


def _table_name(spec: ProjectSpec, number: int) -> str:
    return "candidates" if len(spec.candidates) == 1 else f"candidates, table {number + 1}"


def _budget(found: Findings, spec: ProjectSpec, sites: Sequence[Candidate]) -> None:
    """A budget that the sites that must be built exceed, or that buys none."""
    budget = spec.ranking.budget_usd
    if budget is None or not sites:
        return
    rows = tuple(found.lines("ranking", "budget_usd"))
    must = [s for s in sites if s.id in spec.portfolio.must]
    needed = sum(s.cost_usd.best for s in must)
    both = sorted(set(spec.portfolio.must) & set(spec.portfolio.must_not))
    if both:
        found.add(Finding(
            "O42", "sites are both in portfolio.must and in portfolio.must_not.", "take them out of one list", "portfolio", tuple(both),
        ))  # fmt: skip
    if needed > budget:
        found.add(Finding(
            "J16", f"the sites that must be built cost {needed:,.0f} USD, more than the budget of {budget:,.0f} USD.",
            "raise ranking.budget_usd, or take sites out of portfolio.must", "portfolio", tuple(s.id for s in must),
        ))  # fmt: skip
    cheapest = min(sites, key=lambda s: s.cost_usd.best)
    if cheapest.cost_usd.best > budget:
        found.add(Finding(
            "J15", f"the budget of {budget:,.0f} USD buys no candidate: the cheapest ({cheapest.id}) costs {cheapest.cost_usd.best:,.0f} USD.",
            "raise ranking.budget_usd; the run says that nothing can be bought", "ranking", rows, severity="warning",
        ))  # fmt: skip
