"""Every public name says what it takes, gives and refuses, and shows it with an example that runs.

Public is what ``docs/reference`` lists: for each module named there its ``__all__``, or, without one, the functions
and classes that are defined in it and do not begin with an underscore; and what the top level offers.  The examples
themselves are run by ``--doctest-modules``.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from places import REPOSITORY

import permeability
from permeability.core.errors import PermeabilityError

PAGES_OF_REFERENCE = REPOSITORY / "docs" / "reference"
SOURCE = re.compile(r"doi:|[12][0-9]{3}\b|DESIGN|docs/|permeability\.|:func:|:mod:|:class:|method\.md")
FORMULA = re.compile(r"``[^`]*(?:exp\(|log\(|sqrt|sum |\^2| = [^`]*[*/+][^`]*)[^`]*``")


def modules() -> list[str]:
    pages = "".join(p.read_text(encoding="utf-8") for p in sorted(PAGES_OF_REFERENCE.glob("*.md")))
    return [n for n in re.findall(r"^::: (permeability[\w.]*)$", pages, re.MULTILINE) if _is_module(n)]


def _is_module(name: str) -> bool:
    """Single functions are listed only where a module of the same name hides them from the page."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@cache
def public() -> dict[str, Any]:
    """Dotted name -> function or class."""
    found: dict[str, Any] = {}
    for name in modules():
        module = import_module(name)
        own = [
            n
            for n, o in vars(module).items()
            if not n.startswith("_") and _documented(o) and o.__module__ == name
        ]
        for n in getattr(module, "__all__", own):
            found.setdefault(f"{name}.{n}", getattr(module, n))
    for n in permeability.__all__:
        found.setdefault(f"permeability.{n}", getattr(permeability, n))
    return {n: o for n, o in found.items() if _documented(o)}


def _documented(thing: Any) -> bool:
    return inspect.isfunction(thing) or inspect.isclass(thing)


def sections(doc: str) -> set[str]:
    return set(re.findall(r"^([A-Z]\w+)\n-{3,}$", doc, re.MULTILINE))


def complaints(thing: Any) -> list[str]:
    """What a docstring lacks."""
    doc = inspect.getdoc(thing) or ""
    if inspect.isclass(thing) and issubclass(thing, PermeabilityError) and thing is not PermeabilityError:
        return [] if doc else ["no text"]  # docs/errors.md shows every refusal
    found = [] if ">>> " in doc and "Examples" in sections(doc) else ["no example"]
    if inspect.isclass(thing):
        return found + _methods(thing)
    names = [p.name for p in inspect.signature(thing).parameters.values()]
    listed = _parameters(doc)
    found += [f"parameter {n} is not told" for n in names if n not in listed]
    found += [f"there is no parameter {n}" for n in sorted(listed - set(names))]
    gives = inspect.signature(thing).return_annotation
    if gives not in (None, "None", inspect.Signature.empty) and not sections(doc) & {"Returns", "Yields"}:
        found.append("does not tell what it returns")
    codes = _raised(thing)
    if codes is not None and "Raises" not in sections(doc):
        found.append("does not tell what it raises")
    found += [f"raises {c} without saying so" for c in sorted(codes or ()) if not _tells(doc, c)]
    if FORMULA.search(doc) and not SOURCE.search(doc):
        found.append("a formula without its source")
    return found


def _methods(thing: type) -> list[str]:
    own = (m for m in vars(thing).items() if not m[0].startswith("_") and inspect.isfunction(m[1]))
    return [f"method {n} has no text" for n, m in own if not inspect.getdoc(m)]


def _parameters(doc: str) -> set[str]:
    """Names of the section ``Parameters``."""
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}$|\Z)", doc, re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^(\S[^:\n]*?)(?: : .*)?$", match.group(1), re.MULTILINE) if match else []
    return {n.strip("* ") for head in heads for n in head.split(",")} - {""}


def _raised(thing: Any) -> set[str] | None:
    """Codes of the errors that a function raises itself; None when it raises nothing."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    calls = [n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
    if not calls:
        return None
    first = (c.args[0].value for c in calls if c.args and isinstance(c.args[0], ast.Constant))
    return {str(v) for v in first if re.fullmatch(r"[A-Z]\d\d", str(v))}


def _tells(doc: str, code: str) -> bool:
    """Whether a docstring names a code, by itself or within ``X01 to X03``."""
    spans = re.findall(r"([A-Z])(\d\d)(?: to |-)\1(\d\d)", doc)
    return code in doc or any(
        code[0] == a and int(low) <= int(code[1:]) <= int(high) for a, low, high in spans
    )


@pytest.mark.parametrize("name", sorted(public()))
def test_docstring(name: str) -> None:
    found = complaints(public()[name])
    assert not found, f"{name}: {'; '.join(found)}"


def test_the_reference_holds_every_room_that_the_top_level_offers() -> None:
    listed = set(modules())
    rooms = set(permeability._ROOMS.values()) | set(permeability._HOME.values())
    assert rooms <= listed, sorted(rooms - listed)


def good(a: int) -> int:
    """Twice a number.

    Parameters
    ----------
    a : int

    Returns
    -------
    int

    Raises
    ------
    PermeabilityError
        Z01 for a negative number.

    Examples
    --------
    >>> good(2)
    4
    """
    if a < 0:
        raise PermeabilityError("Z01", "negative", remedy="give another")
    return 2 * a


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (">>> ", "", "no example"),
        ("a : int", "b : int", "parameter a is not told"),
        ("Returns\n-------\nint\n", "", "does not tell what it returns"),
        ("Z01 for", "for", "raises Z01 without saying so"),
        ("Twice a number.", "``y = 2 * exp(a)``", "a formula without its source"),
    ],
)
def test_a_poor_docstring_is_found(old: str, new: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaints(good) == []
    text = inspect.getdoc(good)
    assert text is not None
    monkeypatch.setattr(good, "__doc__", text.replace(old, new))
    assert told in complaints(good)
