"""Compare two results number by number; what a CI job runs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from permeability.core.errors import ProjectError, nearest

__all__ = ["Difference", "compare_results"]


@dataclass(frozen=True)
class Difference:
    """One number (or word) that differs.

    Examples
    --------
    >>> Difference("khulan today pairs_apart", 1.0, 0.0, "1").text()
    'khulan today pairs_apart: 1.0 -> 0.0 (-1)'
    """

    name: str
    before: Any
    after: Any
    unit: str = ""

    def text(self) -> str:
        """One line: name, both values, change."""
        unit = f" {self.unit}" if self.unit and self.unit != "1" else ""
        line = f"{self.name}: {self.before!r}{unit} -> {self.after!r}{unit}"
        if isinstance(self.before, (int, float)) and isinstance(self.after, (int, float)):
            line += f" ({self.after - self.before:+.6g})"
        return line


def compare_results(a: str | Path, b: str | Path, *, rtol: float = 1e-9) -> list[Difference]:
    """Every number of two result folders (or ``summary.json`` files) that differs by more than ``rtol``.

    Parameters
    ----------
    a : path
        Result folder or ``summary.json``.
    b : path
        The other one.
    rtol : float
        Relative tolerance [1].

    Returns
    -------
    list of Difference
        Empty when nothing differs.

    Raises
    ------
    ProjectError
        J06 when there is no summary to read.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.samples.tiny_project(f"{folder}/tiny")
    ...     for name in ("a", "b"):
    ...         _ = pm.run_project(project, f"{folder}/{name}", report=False)
    ...     pm.compare_results(f"{folder}/a", f"{folder}/b")  # the same run gives the same numbers
    []
    """
    one, two = _read(Path(a)), _read(Path(b))
    left, right = dict(_flat(one)), dict(_flat(two))
    found = []
    for name in [*left, *(k for k in right if k not in left)]:
        before, after = left.get(name, "absent"), right.get(name, "absent")
        value = name.removesuffix("unit") + "value"
        if name.endswith("/unit") and (value in left) != (value in right):
            continue  # the number itself is listed
        if not _same(before, after, rtol):
            label, unit = _label(name, one if name in left else two)
            found.append(Difference(label, before, after, unit))
    return found


def compare_scenarios(folder: str | Path, a: str, b: str, *, rtol: float = 1e-9) -> list[Difference]:
    """Every index that differs by more than ``rtol`` between two scenarios of one result folder.

    Raises
    ------
    ProjectError
        J04 when the run has no such scenario, J06 when there is no summary to read.
    """
    tree, found = _read(Path(folder)), []
    for species, mine in tree.get("species", {}).items():
        plans = mine.get("scenarios", {})
        for name in (a, b):
            if name not in plans:
                guess = nearest(name, plans)
                raise ProjectError(
                    "J04", f"the run has no scenario {name!r}.", details={"scenarios": ", ".join(plans)},
                    remedy=f"did you mean {guess!r}?" if guess else "name one of its scenarios",
                )  # fmt: skip
        for index, cell in plans[a].items():
            before, after = (_number(plans[n][index]["value"]) for n in (a, b))
            if not _same(before, after, rtol):
                found.append(Difference(f"{species}/{index}", before, after, str(cell.get("unit", ""))))
    return found


def _number(value: Any) -> Any:
    return math.inf if value == "inf" else value


def _read(path: Path) -> Any:
    file = path / "summary.json" if path.is_dir() else path
    if not file.is_file():
        raise ProjectError(
            "J06",
            f"there is no summary.json in {str(path)!r}.",
            remedy="name a result folder that `permeability run` wrote",
        )
    return json.loads(file.read_text(encoding="utf-8"))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}/{key}" if name else key)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{i}]")
    else:
        yield name, value


def _label(name: str, tree: Any) -> tuple[str, str]:
    """Name without the trailing ``/value`` and the unit that stands beside it."""
    if not name.endswith("/value"):
        return name, ""
    node = tree
    for part in name.split("/")[:-1]:
        node = node.get(part, {}) if isinstance(node, dict) else {}
    return name.removesuffix("/value"), str(node.get("unit", "")) if isinstance(node, dict) else ""


def _same(a: Any, b: Any, rtol: float) -> bool:
    numbers = (
        isinstance(a, (int, float))
        and isinstance(b, (int, float))
        and not isinstance(a, bool)
        and not isinstance(b, bool)
    )
    return math.isclose(a, b, rel_tol=rtol, abs_tol=0.0) if numbers else a == b
