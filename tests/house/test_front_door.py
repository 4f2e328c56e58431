"""What the front door names can be reached in the ways that Python offers."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import permeability


@pytest.mark.parametrize("name", sorted(permeability._ROOMS))
def test_a_room_is_one_module_by_attribute_and_by_import(name: str) -> None:
    room = getattr(permeability, name)
    assert import_module(f"permeability.{name}") is room
    assert room.__spec__.name == room.__name__ == permeability._ROOMS[name]


def test_a_name_from_a_room_in_a_fresh_interpreter() -> None:
    code = "from permeability.errors import PermeabilityError; from permeability.database import columns; print(columns('posts')[0].name)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "line"
    )


def test_a_room_that_is_not_there_stays_missing() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("permeability.cellar")


def test_the_main_job_does_not_wait_for_what_only_draws_need() -> None:
    """A fifth of a second each: statistics are loaded where draws are asked for, telemetry where there are tracks."""
    code = (
        "import sys, permeability as pm; pm.rank, pm.run_project; "
        "print([n for n in ('scipy.stats', 'permeability.telemetry') if n in sys.modules])"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"


def test_type_checkers_are_told_every_name() -> None:
    """What is loaded when it is asked for stands in the imports that editors and mypy read, too."""
    tree = ast.parse(Path(permeability.__file__).read_text(encoding="utf-8"))
    told = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    names = {a.asname or a.name for n in ast.walk(told) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {*permeability._HOME, *permeability._ROOMS} - names == set()


@pytest.mark.parametrize("room", ["barriers", "layers", "monitoring", "telemetry"])
def test_a_room_that_loads_on_demand_lists_every_name_and_reaches_it(room: str) -> None:
    found = import_module(f"permeability.{room}")
    assert set(found.__all__) <= set(dir(found))
    assert set(found.__all__) == set(found._HOME)
    for name in found.__all__:
        assert getattr(found, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'cellar'"):
        found.cellar  # noqa: B018
    path = Path(str(found.__file__))
    told = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.If)]
    names = {a.name for n in told for i in ast.walk(n) if isinstance(i, ast.ImportFrom) for a in i.names}
    assert names in (set(), set(found._HOME))


def test_what_pilots_change_is_told_without_loading_an_engine() -> None:
    code = (
        "import sys, permeability.monitoring.pilot_update, permeability.report; "
        "print([n for n in ('numba', 'xarray', 'scipy.stats', 'permeability.engines', 'permeability.landscape') if n in sys.modules])"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"
