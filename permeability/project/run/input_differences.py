"""Which inputs differ between two scenarios, and that nothing else does.

What differs is found in the two landscapes themselves (which barriers stand, their crossing chances, what every cut
costs, the resistance of the ground, patches and range), not taken from what the project file says.  Every difference
is then laid beside the step, layer or year that explains it; one that nothing explains would be a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.step_words import COMPONENTS, step_said
from permeability.core.tasks import content_hash
from permeability.core.texts import N_, Said, in_english, plainly
from permeability.landscape.landscape import Landscape
from permeability.layers import whole_files
from permeability.planning.alternatives import Option
from permeability.project.project import Project
from permeability.project.scenario_spec import chain_of, steps_of
from permeability.project.spec import LayerSpec

YEAR, GROUND = "year", "ground"


@dataclass(frozen=True)
class _Difference:
    """One input that differs; ``about`` is ``line X``, ``ground`` or ``year``."""

    input: Said
    before: Any
    after: Any
    about: str


def differing_inputs(
    project: Project | None, baseline: str, name: str, options: Mapping[str, Option]
) -> list[dict[str, Any]]:
    """What goes into an option otherwise than into the baseline.

    Parameters
    ----------
    project : Project or None
        None for options that come from no project file.
    baseline, name : str
        Names of two scenarios.
    options : mapping
        Scenario name -> Option, for one species.

    Returns
    -------
    list of dict
        ``input``, ``before``, ``after`` and ``because``: the step, layer or year of the project file that explains
        it; empty where nothing does.  ``said`` holds the four with their values apart, for other languages.
    """
    if name == baseline:
        return []
    a, b = options[baseline], options[name]
    settings = _settings(project, baseline, name) if project is not None else ()
    found = [*settings, *_barriers(a.land, b.land), *_ground(a, b)]
    reasons = _step_reasons(a.land, b.land) | (
        _other_reasons(project, baseline, name) if project is not None else {}
    )
    return [_row(d, _because(d, reasons)) for d in found]


def _row(found: _Difference, because: list[Said]) -> dict[str, Any]:
    told = {"input": found.input, "before": found.before, "after": found.after, "because": because}
    return {**{k: in_english(v) for k, v in told.items()}, "said": {k: plainly(v) for k, v in told.items()}}


def unexplained(rows: list[dict[str, Any]]) -> list[str]:
    """Inputs that differ without a reason.

    >>> unexplained([{"input": "year", "because": "year 2035"}, {"input": "range", "because": ""}])
    ['range']
    """
    return [r["input"] for r in rows if not r["because"]]


# ---------------------------------------------------------------- what differs
def _settings(project: Project, baseline: str, name: str) -> Iterator[_Difference]:
    """Year, layers by path and hash, scales of factors."""
    one, two = project.variant(baseline), project.variant(name)
    years = (one.spec.project.year, two.spec.project.year)
    if years[0] != years[1]:
        yield _Difference(Said(N_("year")), str(years[0]), str(years[1]), YEAR)
    for layer in one.spec.layers:
        before, after = one.spec.layers[layer], two.spec.layers[layer]
        if before != after:
            yield _Difference(
                Said(N_("layer {name}"), {"name": layer}),
                _layer_text(one, before),
                _layer_text(two, after),
                GROUND,
            )
    for factor in one.spec.factors:
        scales = (one.spec.factors[factor].scale, two.spec.factors[factor].scale)
        if scales[0] != scales[1]:
            yield _Difference(
                Said(N_("factor {name}"), {"name": factor}), f"× {scales[0]:g}", f"× {scales[1]:g}", GROUND
            )


def _layer_text(project: Project, layer: LayerSpec) -> str:
    scale = f" x {layer.scale:g}" if layer.scale != 1.0 else ""
    where = "".join(f", {k} = {v}" for k, v in layer.where.items())
    digest = whole_files.sha256(project.folder / layer.path)[:12]
    return f"{layer.path}{f' ({layer.table})' if layer.table else ''}{where}{scale} [{digest}]"


def _barriers(a: Landscape, b: Landscape) -> Iterator[_Difference]:
    """Barriers that stand otherwise, have other crossing chances, or are treated otherwise along some kilometres."""
    if not a.barriers.table["id"].equals(b.barriers.table["id"]):
        yield _Difference(Said(N_("rows of the barriers")), len(a.barriers), len(b.barriers), GROUND)
        return
    if a.cuts is not b.cuts and not np.array_equal(a.cuts.km, b.cuts.km):
        counts = [Said(N_("{n} cuts"), {"n": len(x.cuts.cell)}) for x in (a, b)]
        yield _Difference(Said(N_("course of the barriers")), counts[0], counts[1], GROUND)
    treated = _treated(a), _treated(b)
    words = (Said(N_("not standing")), Said(N_("standing")))
    for i, row in enumerate(a.barriers.table[["id", "line"]].to_dict("records")):
        who, about = {"name": str(row["id"])}, f"line {row['line']}"
        before, after = bool(a.standing[i]), bool(b.standing[i])
        if before != after:
            yield _Difference(Said(N_("barrier {name}"), who), words[before], words[after], about)
        chances = (_chances(a, i), _chances(b, i))
        if (before or after) and chances[0] != chances[1]:
            what = Said(N_("barrier {name}, crossing chance (low-best-high)"), who)
            yield _Difference(what, *chances, about)
        if treated[0].get(i) != treated[1].get(i):
            texts = [t.get(i, Said(N_("as built"))) for t in treated]
            yield _Difference(Said(N_("barrier {name}, treated"), who), texts[0], texts[1], about)


def _chances(land: Landscape, row: int) -> list[Said]:
    out = []
    for c in land.components[row]:
        ends = {"low": c.chance.low, "best": c.chance.best, "high": c.chance.high}
        numbers = {k: float(f"{v:.3g}") for k, v in ends.items()}
        what = Said(COMPONENTS.get(c.name, c.name))
        out.append(Said(N_("{what} {low}–{best}–{high}"), {"what": what, **numbers}))
    return out


def _treated(land: Landscape) -> dict[int, Said]:
    """Standing barrier row -> where steps change its crossing cost, with a hash of every cost."""
    now, plain = land.cut_costs, land.costs_after(())
    changed = (now.cost_m != plain.cost_m) | (now.interface_m != plain.interface_m)
    out = {}
    for i in np.unique(land.cuts.barrier[changed & land.standing[land.cuts.barrier]]):
        mine = land.cuts.barrier == i
        km: NDArray[np.float64] = land.cuts.km[mine & changed]
        digest = content_hash(now.cost_m[mine], now.interface_m[mine])[:12]
        facts = {
            "low": round(float(km.min())),
            "high": round(float(km.max())),
            "n": len(km),
            "digest": digest,
        }
        out[int(i)] = Said(N_("km {low}-{high}, {n} cuts of edges [{digest}]"), facts)
    return out


def _ground(a: Option, b: Option) -> Iterator[_Difference]:
    """Resistance of the ground, patches and range."""
    one, two = a.land.resistance, b.land.resistance
    if one is not two and not np.array_equal(one, two, equal_nan=True):
        n = int(np.sum(~((one == two) | (np.isnan(one) & np.isnan(two)))))
        means = [Said(N_("mean {x}"), {"x": float(f"{np.nanmean(x):.4g}")}) for x in (one, two)]
        yield _Difference(
            Said(N_("resistance of the ground ({n} cells)"), {"n": n}), means[0], means[1], GROUND
        )
    if not np.array_equal(a.patches.labels, b.patches.labels):
        yield _Difference(Said(N_("patches")), len(a.patches), len(b.patches), GROUND)
    if not np.array_equal(a.inside, b.inside):
        areas = (round(float(o.inside.sum() * o.land.grid.cell_area_km2)) for o in (a, b))
        texts = [Said(N_("{n} km²"), {"n": area}) for area in areas]
        yield _Difference(Said(N_("range")), texts[0], texts[1], GROUND)


# ---------------------------------------------------------------- why
def _because(found: _Difference, reasons: Mapping[str, list[Said]]) -> list[Said]:
    """The reason of a difference; what happens to a line may also come from the year or from its layer."""
    places = (found.about, YEAR, GROUND) if found.about.startswith("line ") else (found.about,)
    return next((reasons[p] for p in places if p in reasons), [])


def _step_reasons(a: Landscape, b: Landscape) -> dict[str, list[Said]]:
    """``line X`` -> the steps in words that one of two landscapes has and the other has not."""
    words: dict[str, dict[str, Said]] = {}
    table, steps = b.barriers.table, [x.scenario.interventions for x in (a, b)]
    for step in [s for s in (*steps[0], *steps[1]) if not (s in steps[0] and s in steps[1])]:
        for line in dict.fromkeys(table["line"].iloc[b.barriers.rows_of(step.line)]):
            said = step_said(step)
            words.setdefault(f"line {line}", {})[str(said)] = said
    return {k: list(v.values()) for k, v in words.items()}


def _other_reasons(project: Project, baseline: str, name: str) -> dict[str, list[Said]]:
    """What the project file says: ``year``, and ``ground`` for changed layers."""
    out: dict[str, list[Said]] = {}
    layers: dict[tuple[str, str], Said] = {}
    for one in (baseline, name):
        chain = chain_of(project.spec.scenarios, one)
        names = [(N_("layer {name}"), old) for plan in chain for old in plan.layers]
        changes = [s for s in steps_of(chain) if s.action == "layer"]
        names += [
            (N_("layer {name}"), s.layer) if s.layer else (N_("factor {name}"), str(s.factor))
            for s in changes
        ]
        layers |= {n: Said(n[0], {"name": n[1]}) for n in names}
    if layers:
        out[GROUND] = list(layers.values())
    years = [project.variant(n).spec.project.year for n in (baseline, name)]
    if years[0] != years[1]:
        out[YEAR] = [Said(N_("year {year}"), {"year": str(years[1])})]
    return out
