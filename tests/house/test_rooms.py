"""The house stays a house: rooms with a sentence over the door, files of a size to read, imports without circles, a true map."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import networkx as nx
import pytest
from places import REPOSITORY

PACKAGE = REPOSITORY / "permeability"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({p.parent for p in FILES})
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
MOST_LINES = 600
MOST_MODULES = 5  # beside the rooms
STILL_LONG: set[str] = set()  # a file that is no longer long must leave this list


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(p): p for p in FILES}


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_every_room_has_a_sentence_over_its_door(room: Path) -> None:
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert text, "a room says in one sentence what is in it"
    first = text.split("\n\n")[0]
    assert "\n" not in first
    assert len(first) > 10
    assert first[-1] in ".?"


def test_the_top_holds_rooms_and_few_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_MODULES


def test_no_file_is_too_long_to_read() -> None:
    long = {
        str(p.relative_to(PACKAGE).as_posix())
        for p in FILES
        if len(p.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == STILL_LONG, (
        f"new: {long - STILL_LONG}; parted, to be taken off the list: {STILL_LONG - long}"
    )


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_no_file_bears_the_name_of_something_its_room_hands_on(room: Path) -> None:
    """Else the function hides the file, or the file the function, as imports happen to fall."""
    package = import_module(dotted(room / "__init__.py"))
    inside = {p.stem for p in room.glob("*.py")} | {
        p.name for p in room.iterdir() if (p / "__init__.py").is_file()
    }
    for name in inside - {"__init__", "__main__"}:
        module = import_module(f"{package.__name__}.{name}")
        assert getattr(package, name) is module, f"{package.__name__}.{name} is two things"
    handed = {n for n in (*vars(package), *dir(package)) if not isinstance(getattr(package, n), ModuleType)}
    assert not handed & inside


@cache
def arrows(types_too: bool) -> nx.DiGraph:
    """Which module imports which, also inside functions; imports that only types need apart."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(MODULES)
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left = (
            []
            if types_too
            else [
                i for i in ast.walk(tree) if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.unparse(i.test)
            ]
        )
        skipped = {node for branch in left for part in branch.body for node in ast.walk(part)}
        for node in ast.walk(tree):
            if node not in skipped:
                graph.add_edges_from((name, target) for target in imported(node) if target != name)
    return graph


def imported(node: ast.AST) -> list[str]:
    """Modules of the package that an import statement names."""
    if isinstance(node, ast.Import):
        return [a.name for a in node.names if a.name in MODULES]
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return []
    named = [f"{node.module}.{a.name}" for a in node.names]
    return [n if n in MODULES else node.module for n in named if n in MODULES or node.module in MODULES]


def test_the_check_of_circles_sees_imports_inside_functions() -> None:
    inside = "from permeability.core import errors; from permeability.core.errors import OptionError; import permeability.core.units"
    tree = ast.parse(f"def f():\n    {inside}")
    seen = {target for node in ast.walk(tree) for target in imported(node)}
    assert seen == {"permeability.core.errors", "permeability.core.units"}
    assert arrows(True).number_of_edges() > arrows(False).number_of_edges() > 500


def circles(graph: nx.DiGraph) -> list[list[str]]:
    return [sorted(c) for c in nx.strongly_connected_components(graph) if len(c) > 1]


def test_no_module_is_in_an_import_circle() -> None:
    assert circles(nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b")])) == [["b", "c"]]
    assert circles(arrows(False)) == []


def test_the_interface_of_the_circuit_has_no_circle_of_types_either() -> None:
    room = [m for m in MODULES if m.startswith("permeability.engines.circuit.")]
    assert circles(arrows(True).subgraph(room)) == []


def test_no_refusal_names_a_path_inside_the_house() -> None:
    """A user types pm.name; a dotted path of a module breaks when the module moves."""
    said = []
    for path in FILES:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("Error", "Finding", "warn")):
                texts = [
                    n.value
                    for n in ast.walk(call)
                    if isinstance(n, ast.Constant) and isinstance(n.value, str)
                ]
                said += [f"{path.name}: {t}" for t in texts if re.search(r"permeability\.[a-z_]+", t)]
    assert said == []


# ---------------------------------------------------------------- the map of the house


def tree() -> list[str]:
    """Folders and files that the drawn tree names, from its indents."""
    drawn = re.search(
        r"```text\npermeability/\n(.*?)```", ARCHITECTURE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert drawn, "docs/architecture.md draws the tree of rooms"
    above: list[tuple[int, str]] = []
    found = []
    for line in drawn[1].splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        above = [(i, n) for i, n in above if i < indent]
        found.append("".join(n for _, n in above) + name)
        if name.endswith("/"):
            above.append((indent, name))
    return found


def test_the_drawn_tree_is_the_house() -> None:
    drawn = tree()
    assert [n for n in drawn if not (PACKAGE / n).exists()] == []
    there = {f"{r.relative_to(PACKAGE).as_posix()}/" for r in ROOMS if r != PACKAGE}
    assert there - set(drawn) == set(), "every room and every room in a room stands in the tree"
    assert [n for n in drawn if n.endswith("/") != (PACKAGE / n).is_dir()] == []


def named_paths(text: str) -> set[str]:
    """What is written in backticks and looks like a path: with a slash, or with the ending of a file."""
    words = re.findall(r"`([^`\s]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return {
        w
        for w in words
        if re.fullmatch(r"\.?[\w/.-]+", w)
        and ("/" in w or w.endswith((".py", ".md", ".toml", ".j2", ".po", ".json")))
    }


@pytest.mark.parametrize("page", [ARCHITECTURE, REPOSITORY / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_every_path_that_the_page_names_is_there(page: Path) -> None:
    paths = {p for p in named_paths(page.read_text(encoding="utf-8")) if not p.startswith("..")}
    assert len(paths) > 5
    assert sorted(p for p in paths if not ((PACKAGE / p).exists() or (REPOSITORY / p).exists())) == []


def test_the_walks_are_there() -> None:
    """Six things that people add, each with the files to edit in their order."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    walks = dict(re.findall(r"^### (A[n]? .+?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(walks) == {
        "A barrier kind",
        "An index",
        "A solver",
        "A report section",
        "A language",
        "A result",
    }
    for head, part in walks.items():
        steps = re.findall(r"^\d+\. (.*)$", part, re.MULTILINE)
        assert len(steps) >= 3, head
        assert all(named_paths(s) for s in steps), head
