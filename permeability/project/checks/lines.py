"""The line layers: every fault that a look at the barrier database would find, kilometres, posts, ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import pandas as pd

from permeability.barriers.database import check as faults_of
from permeability.barriers.doubles import doubles, missed_finding
from permeability.barriers.lines import prepare_layers
from permeability.core.errors import Finding, GridError
from permeability.layers.grid import require_metres
from permeability.project.checks.findings import Findings, Readable
from permeability.project.spec import ProjectSpec


def check(found: Findings, seen: Readable) -> None:
    """Line layers and posts of the project."""
    spec = seen.spec.barriers
    usable = []
    for name in spec.layers:
        table = seen.tables.get(name)
        if table is None:
            continue
        moved = seen.on_grid(name)
        problems = faults_of(table if moved is None else moved, "barriers", label=name, to_run=True)
        for problem in problems:
            found.add(_with_remedy(problem, name))
        if (
            moved is not None
            and not any(p.severity == "error" for p in problems)
            and _metric(found, moved, name)
        ):
            usable.append(name)
    posts = seen.on_grid(spec.posts) if spec.posts else None
    if posts is not None:
        wrong = faults_of(posts, "posts", label=str(spec.posts), to_run=True)
        for problem in wrong:
            found.add(problem)
        posts = None if any(p.severity == "error" for p in wrong) else posts
    if usable and not _ids_across(found, seen, usable):
        tables = {n: t for n in usable if (t := seen.on_grid(n)) is not None}
        how = {"posts": posts, "snap_m": spec.snap_m, "as_one": spec.as_one, "count_both": spec.count_both}
        whole = usable == list(spec.layers) and (posts is None) == (spec.posts is None)
        barriers = seen.project.barriers_read if whole else None  # of the very same layers
        if barriers is None:
            barriers = found.attempt(partial(prepare_layers, tables, **how), layer=", ".join(usable))
        if barriers is not None:
            label = ", ".join(usable)
            more = [*doubles(barriers.table, label), *missed_finding(barriers.table, label)]
            for finding in (*_weighed(barriers.findings, _told_by_km(seen.spec), label), *more):
                found.add(finding)


def _with_remedy(finding: Finding, name: str) -> Finding:
    """A finding on a missing column with the line of the project file that would mend it."""
    if finding.code != "K01":
        return finding
    remedy = f"{finding.remedy}; or rename a column under [layers.{name}.columns]"
    return Finding(
        finding.code, finding.what, remedy, finding.layer, finding.rows, finding.details, finding.severity
    )


def _metric(found: Findings, table: pd.DataFrame, name: str) -> bool:
    """Whether a layer is in metres, which it is unless the grid is not."""
    try:
        require_metres(table.crs, layer=name)
    except GridError:
        return False
    return True


def _ids_across(found: Findings, seen: Readable, names: list[str]) -> bool:
    """Ids that stand in two layers; whether there are any."""
    ids = pd.concat([seen.tables[n]["id"].astype(str) + f"@{n}" for n in names if "id" in seen.tables[n]])
    plain = ids.str.rpartition("@")[0]
    twice = ids[plain.duplicated(keep=False)]
    if not len(twice):
        return False
    rows = tuple(f"{a} ({b})" for a, _, b in (i.rpartition("@") for i in twice))
    found.add(Finding(
        "L05", "ids stand in more than one barrier layer.", "give every barrier its own id", ", ".join(names), rows,
    ))  # fmt: skip
    return True


GAPS = 0.1  # from this share of its length on, gaps make the kilometres of a line a guess


def _told_by_km(spec: ProjectSpec) -> set[str]:
    """Lines whose kilometres the project uses: of candidates, and of steps that name a place."""
    named = {line for c in spec.candidates for line in c.all_lines}
    steps = (s for plan in spec.scenarios for s in plan.steps if s.line and (s.km is not None or s.at))
    return named | {str(s.line) for s in steps}


def _weighed(findings: Iterable[Finding], used: set[str], label: str) -> Iterator[Finding]:
    """Findings on kilometres by what hangs on them: errors where they are used and guessed, one note where they are not."""
    idle: dict[str, str] = {}
    for f in findings:
        line = str(f.details.get("line", ""))
        if f.code not in ("B15", "B16"):
            yield f
        elif line not in used:
            idle[line] = (
                f"{idle[line]}, gaps" if line in idle else ("branches" if f.code == "B15" else "gaps")
            )
        else:
            share = float(str(f.details.get("share", "100%")).split("%")[0]) / 100
            severity = "error" if f.code == "B15" or share > GAPS else "warning"
            yield Finding(f.code, f.what, f.remedy, f.layer, f.rows, f.details, severity)
    if idle:
        yield Finding(
            "B26", f"{len(idle)} lines branch or have gaps; no candidate or step is told by their kilometres.",
            "nothing to do; give posts or km_from and km_to before you name places on them", label,
            tuple(f"{line} ({why})" for line, why in idle.items()), severity="note",
        )  # fmt: skip
