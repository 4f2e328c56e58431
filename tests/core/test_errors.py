"""The words of refusal: text, pickling, and a page that lists every code of the package."""

from __future__ import annotations

import importlib.util
import pickle
import re
from types import ModuleType

import pytest
from places import REPOSITORY

from permeability.core import errors
from permeability.core.errors import Finding, OptionError, PermeabilityError, check_choice, nearest, shorten

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, PermeabilityError)]


@pytest.fixture(scope="module")
def listing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("list_errors", REPOSITORY / "docs" / "list_errors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_code_in_the_package_is_on_the_page(listing: ModuleType) -> None:
    """Found by a plain search of the text, not by the script that writes the page."""
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([A-Z]\d\d) \|", text, flags=re.MULTILINE))
    raised = set()
    for path in (REPOSITORY / "permeability").rglob("*.py"):
        raised |= set(
            re.findall(
                r'^\s*(?:[\w.]+\()?"([A-Z]\d\d)",', path.read_text(encoding="utf-8"), flags=re.MULTILINE
            )
        )
    assert len(raised) > 60
    assert raised - listed == set(), "run python docs/list_errors.py"


def test_the_page_gives_cause_and_remedy(listing: ModuleType) -> None:
    rows = list(listing.refusals())
    assert all(r.cause.strip() and r.remedy.strip() for r in rows)
    found = {(r.code, r.kind) for r in rows if r.room == "main road"}
    assert {("G02", "GridMismatchError"), ("L02", "LayerError"), ("P02", "PatchError"), ("R01", "ResistanceError"), ("S01", "SpeciesError"), ("J03", "Finding"), ("B09", "BarrierError")} <= found  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_what_where_and_what_to_do(kind: type[PermeabilityError]) -> None:
    error = kind(
        "G02",
        "'a.tif' is off.",
        remedy="warp it",
        layer="ground",
        rows=range(12),
        details={"project grid": "one\ntwo"},
    )
    assert str(error).splitlines() == [
        f"{kind.__name__} [G02]: 'a.tif' is off.",
        "  layer          ground",
        "  project grid   one",
        "                 two",
        "  rows           0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
        "  remedy         warp it",
    ]
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert (again.layer, again.rows, again.exit_code) == (error.layer, error.rows, error.exit_code)
    assert error.exit_code == (errors.EXIT_TOLERANCE if kind is errors.SolverError else errors.EXIT_INPUT)


def test_a_finding_says_the_same() -> None:
    error = PermeabilityError("P02", "2 patches lie on no valid cell.", remedy="move them", layer="cores", rows=["a", "b"], details={"mask": "country"})  # fmt: skip
    assert error.finding() == Finding(
        "P02", "2 patches lie on no valid cell.", "move them", "cores", ("a", "b"), {"mask": "country"}
    )
    assert error.finding().text() == (
        "ERROR [P02] cores: 2 patches lie on no valid cell.\n    mask: country\n    rows: a, b\n    remedy: move them"
    )


def test_the_nearest_word() -> None:
    assert nearest("KULAN", ["khulan", "saiga"]) == "khulan"
    assert nearest("zebra", ["khulan", "saiga"]) is None
    assert shorten([1, 2, 3], most=3) == "1, 2, 3"
    check_choice("level", "best", ("low", "best"))
    with pytest.raises(OptionError, match=r"(?s)O01.*level = 'bets'.*'low', 'best'.*did you mean 'best'"):
        check_choice("level", "bets", ("low", "best"))
    with pytest.raises(OptionError, match="use one of the 2 valid values"):
        check_choice("level", "zzz", ("low", "best"))
