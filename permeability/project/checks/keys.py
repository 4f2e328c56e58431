"""Wrong keys of a project file, mended or left out so that the rest can be checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from permeability.core.errors import Finding, ProjectError, nearest
from permeability.project.checks.findings import Findings
from permeability.project.project import Project, open_project
from permeability.project.spec import ProjectSpec, valid_keys
from permeability.species import species, species_list


def open_tolerantly(path: Path) -> tuple[list[Finding], Project | None]:
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


def check(found: Findings, spec: ProjectSpec) -> None:
    """Names of factors that no species knows."""
    unknown = set(spec.factors)
    for name in dict.fromkeys((*(n for n in spec.species if n in species_list()), *species_list())):
        if not unknown:
            return  # mostly the project's own species know them all
        unknown -= {row.factor for row in species(name).habitat}
    known = sorted({row.factor for name in species_list() for row in species(name).habitat})
    for name in spec.factors:
        if name in unknown:
            guess = nearest(name, known)
            found.add(Finding(
                "J03", f"no species knows a habitat factor {name!r}",
                f"did you mean {guess!r}?" if guess else f"use one of {', '.join(known)}",
                found.file, tuple(found.lines("factors", name)),
            ))  # fmt: skip
