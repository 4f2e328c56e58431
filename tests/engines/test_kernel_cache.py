"""Kernels run where nothing can be written: another user, no home, a read-only installation, no temporary folder."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba.core import dispatcher

import permeability as pm
from permeability.engines import kernels

CODE = """
import numpy as np
from permeability.leastcost import cost_distance
print(float(cost_distance(np.ones((1, 3)), [(0, 0)])[0, 2]))
"""
NO_TEMPORARY = """
import tempfile
def none(*a, **k):
    raise OSError("read-only")
tempfile.mkdtemp = none
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package none of whose folders can take a cache: a file stands where the folder would be."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(
        Path(pm.__file__).parent, site / "permeability", ignore=shutil.ignore_patterns("__pycache__")
    )
    for folder in [site / "permeability", *(p for p in (site / "permeability").rglob("*") if p.is_dir())]:
        (folder / "__pycache__").touch()
    return site


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    env |= {"HOME": "/dev/null/none", "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, cwd=site, check=False
    )


@pytest.mark.parametrize("before", ["", NO_TEMPORARY])
def test_kernels_are_compiled_for_the_run(installed: Path, before: str) -> None:
    done = run(installed, "-c", before + CODE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2.0"


@pytest.mark.slow
def test_the_command_line_says_so(installed: Path) -> None:
    done = run(installed, "-m", "permeability", "doctor")
    assert done.returncode == 0, done.stderr
    assert "no writable place to keep compiled kernels" in done.stderr
    assert "NUMBA_CACHE_DIR" in done.stderr
    assert "permeability-kernels-" in done.stdout


LEVELS = """
import numba, numpy as np
from numba.core import codegen
levels = []
real = codegen.CPUCodeLibrary._optimize_final_module
def seen(self):
    if any(name in self.name for name in ("permeability", "relax", "mine", "wrong")):
        levels.append(int(numba.config.OPT))
    real(self)
codegen.CPUCodeLibrary._optimize_final_module = seen
from permeability.leastcost import cost_distance
cost_distance(np.ones((1, 3)), [(0, 0)])
ours = set(levels)
levels.clear()

@numba.njit
def mine(a):
    return a + 1

mine(1)

@numba.njit
def wrong(a):
    return a + "text"

try:
    wrong(1)
except numba.core.errors.NumbaError:
    pass
print(sorted(ours), sorted(set(levels)), int(numba.config.OPT))
"""


@pytest.mark.parametrize(("asked", "ours", "theirs"), [("", 2, 3), ("1", 1, 1)])
def test_the_level_of_optimisation_is_ours_for_our_kernels_only(installed, asked, ours, theirs) -> None:
    done = run(installed, "-c", (f"import os; os.environ['NUMBA_OPT'] = '{asked}'\n" if asked else "") + LEVELS)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"[{ours}] [{theirs}] {theirs}"


@pytest.mark.parametrize(
    ("made", "kept", "in_memory"), [(True, True, False), (True, False, True), (False, False, True)]
)
def test_without_a_place_a_private_folder_is_taken_and_without_that_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: bool, kept: bool, in_memory: bool
) -> None:
    def folder(prefix: str) -> str:
        if not made:
            raise OSError("read-only")
        return str(tmp_path / prefix)

    said: list[str] = []
    gone: list[tuple[object, ...]] = []
    keeps = dispatcher.Dispatcher.enable_caching
    monkeypatch.setattr(dispatcher.Dispatcher, "enable_caching", keeps)  # both are put back afterwards
    monkeypatch.setattr(numba.config, "CACHE_DIR", "before")
    monkeypatch.setattr(kernels, "say", said.append)
    monkeypatch.setattr(kernels, "_can_keep", lambda: kept)
    monkeypatch.setattr(kernels.tempfile, "mkdtemp", folder)
    monkeypatch.setattr(kernels.atexit, "register", lambda *what, **_: gone.append(what))
    kernels._without_a_place()
    own = str(tmp_path / "permeability-kernels-")
    assert said == [kernels.SAID]
    assert (own if made else "before") == numba.config.CACHE_DIR
    assert gone == ([(shutil.rmtree, own)] if made else [])
    assert (dispatcher.Dispatcher.enable_caching is not keeps) == in_memory


@pytest.mark.parametrize("before", [True, False])
def test_cycles_are_not_looked_for_while_ours_is_compiled_and_afterwards_as_before(
    monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    def event(module: str) -> SimpleNamespace:
        function = SimpleNamespace(__module__=module)
        return SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=function)})

    monkeypatch.setattr(kernels, "KEPT", False)  # no second process
    listener = kernels._Compiling()
    ours, theirs = event("permeability.engines.kernels.gains"), event("somebody.else")
    collects = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        listener.on_start(theirs)
        assert gc.isenabled() == before
        listener.on_end(theirs)
        listener.on_start(ours)
        listener.on_start(theirs)  # what ours calls
        assert not gc.isenabled()
        listener.on_end(theirs)
        assert not gc.isenabled()
        listener.on_end(ours)
        assert gc.isenabled() == before
    finally:
        (gc.enable if collects else gc.disable)()


TWO_KINDS = """
import numpy as np
from permeability.engines.kernels import njit

@njit(cache=True)
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    return s

print(total(np.arange(5)), total(np.arange(5.0) / 4), total.stats.cache_hits)
"""


def test_a_kernel_whose_files_were_swapped_is_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "two_kinds.py").write_text(TWO_KINDS)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}

    def run() -> list[str]:
        command = [sys.executable, str(tmp_path / "two_kinds.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split(maxsplit=2)

    assert run()[:2] == ["10.0", "2.5"]
    first, second = sorted((tmp_path / "kept").rglob("*.nbc"))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert run()[:2] == ["10.0", "2.5"]
    assert "1" in run()[2]  # and kept again


def test_a_kept_kernel_is_good_for_the_very_set_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from permeability.engines.kernels import gains  # calls kernels of other files

    kept = gains.small_resistances._cache._cache_file
    assert kept._source_stamp[1] == kernels.STAMP
    assert {"gains.py", "dissection.py"} <= {name for name, *_ in kernels.STAMP}
    for name in ("a.py", "b.py", "c.txt"):
        (tmp_path / name).write_text("x = 1\n")
    before = kernels._stamp(str(tmp_path))
    assert [name for name, *_ in before] == ["a.py", "b.py"]
    (tmp_path / "b.py").write_text("x = 12\n")
    assert kernels._stamp(str(tmp_path)) != before
    assert kernels._stamp(str(tmp_path / "none")) == ()
    gains.small_resistances(np.ones((2, 2)))
    assert kept._load_index()
    monkeypatch.setattr(kernels, "STAMP", before)
    again = kernels.njit(gains.small_resistances.py_func, cache=True)._cache._cache_file
    assert again._index_path == kept._index_path
    assert again._load_index() == {}
