"""Write docs/errors.md from the refusals in the code: ``python docs/list_errors.py`` after adding one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "permeability"
TARGET = Path(__file__).with_name("errors.md")
CODE = re.compile(r"[A-Z]\d\d")
SEVERITIES = ("error", "warning", "note")
ROOMS = {
    "barriers/database": "barrier database",
    "interop": "problem files of other programs",
    "telemetry": "tracks",
    "monitoring": "monitoring",
}  # every other module: the main road
HEAD = """# Error codes

Every refusal has a code that stays what it is, a sentence that says what is wrong, the layer and the rows, and a
remedy. `permeability check` lists all input problems of a project at once; the Python calls raise the first as an
exception of `permeability.core.errors` (all derive from `PermeabilityError`). Exit codes: 2 the input is wrong, 4 a solver
missed its tolerance; see `permeability --help`.

Words in `<angle brackets>` stand for what the message fills in. This page is written by `python docs/list_errors.py`.
"""


class Refusal(NamedTuple):
    """One place in the code that refuses something."""

    room: str
    code: str
    kind: str
    cause: str
    remedy: str


def refusals() -> Iterator[Refusal]:
    """All places of the package that name an error code in a call."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        room = ROOMS.get("/".join(parts[:2]), ROOMS.get(parts[0], "main road"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _refusal(node, room)


def _refusal(call: ast.Call, room: str) -> Iterator[Refusal]:
    values = [*call.args, *(k.value for k in call.keywords)]
    codes = [v.value for v in values if isinstance(v, ast.Constant) and CODE.fullmatch(str(v.value))]
    if not codes:
        return
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    kind = function if function.endswith(("Error", "Finding")) else "Finding"
    said = [
        a
        for a in call.args
        if isinstance(a, (ast.Constant, ast.JoinedStr, ast.IfExp))
        and _words(a) not in ("", *codes, *SEVERITIES)
    ]
    by_name = [k.value for k in call.keywords if k.arg == "remedy"]
    if function == "check_choice":
        yield Refusal(
            room,
            str(codes[0]),
            "OptionError",
            "<option> is not one of its valid words",
            "use the nearest valid word",
        )
        return
    if function in ("__init__",):
        kind = "SolverError"
    if not by_name and len(said) > 1:
        said, by_name = said[:-1], [said[-1]]
    cause = _words(said[-1]) if said else "<see the message>"
    yield Refusal(
        room, str(codes[0]), kind, cause, _words(by_name[0]) if by_name else "use the nearest valid word"
    )


def _words(node: ast.AST) -> str:
    """A string expression as a reader sees it, with what is filled in between angle brackets."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(v) if isinstance(v, ast.Constant) else f"<{_name(v)}>" for v in node.values)
    if isinstance(node, ast.IfExp):
        return " / ".join(w for w in (_words(node.body), _words(node.orelse)) if w)
    if isinstance(node, ast.BinOp):
        return f"{_words(node.left)}{_words(node.right)}"
    return f"<{_name(node)}>"


def _name(node: ast.AST) -> str:
    """The last name in an expression: what a placeholder is about."""
    names = [
        n.attr if isinstance(n, ast.Attribute) else n.id
        for n in ast.walk(node)
        if isinstance(n, (ast.Attribute, ast.Name))
    ]
    plain = [
        n
        for n in names
        if n not in ("int", "sum", "len", "str", "float", "sorted", "join", "repr", "self", "np")
    ]
    return plain[0] if plain else "..."


def page() -> str:
    """The whole page."""
    found = sorted(set(refusals()))
    parts = [HEAD]
    for room in ["main road", *sorted({r.room for r in found} - {"main road"})]:
        parts.append(
            f"\n## {room[0].upper()}{room[1:]}\n\n| code | raised as | cause | remedy |\n| --- | --- | --- | --- |\n"
        )
        parts += [
            f"| {r.code} | `{r.kind}` | {_cell(r.cause)} | {_cell(r.remedy)} |\n"
            for r in found
            if r.room == room
        ]
    return "".join(parts)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
