"""The helper that compiles ahead: what it compiles is what the job needs, and nothing hangs on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from permeability.engines.kernels import ahead
from permeability.engines.kernels.job_kinds import JOBS

RANKED = """
import permeability as pm
from numba.core.event import Listener, register
depth, seen = [], []
class Told(Listener):
    def on_start(self, event):
        f = event.data["dispatcher"].py_func
        seen.append(f"{len(depth)} {f.__module__}.{f.__name__} {tuple(event.data['args'])}")
        depth.append(1)
    def on_end(self, event):
        depth.pop()
register("numba:compile", Told())
land, patches = pm.samples.tiny()
pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
print("\\n".join(seen))
"""


def run(code: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder)} | more
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_list_holds_what_the_first_ranking_compiles(tmp_path: Path) -> None:
    done = run(RANKED, tmp_path, **{ahead.SWITCH: "0"})
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 1) for line in done.stdout.splitlines() if f" {ahead.HOME}" in line]
    compiled, called = {line for _, line in lines}, {line for depth, line in lines if depth == "0"}
    listed = {f"{ahead.HOME}{name} {types}" for name, types in ahead.kinds("rank")}
    assert called <= listed <= compiled
    assert len(listed - called) == 1  # reduce_front, within another, for the second process to begin with


def test_every_listed_kernel_is_there_and_the_lists_hold_no_line_twice() -> None:
    from importlib import import_module

    for job in JOBS:
        rows = ahead.kinds(job)
        assert len({(n, str(t)) for n, t in rows}) == len(rows)
        for name, types in rows:
            module, _, function = name.partition(".")
            kernel = getattr(import_module(ahead.HOME + module), function)
            assert kernel.py_func.__code__.co_argcount == len(types), name


class Started:
    def __init__(self, command: list[str], **how: object) -> None:
        self.command, self.how = command, how
        Started.all.append(self)

    all: list[Started]

    def kill(self) -> None: ...

    def wait(self) -> None: ...

    def communicate(self) -> None: ...


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[Started]:
    Started.all = []
    monkeypatch.setattr(ahead, "_helper", [])
    monkeypatch.setattr(ahead, "_expected", [])
    monkeypatch.setattr(ahead.subprocess, "Popen", Started)
    monkeypatch.setattr(ahead.atexit, "register", lambda f: f)
    monkeypatch.delenv(ahead.SWITCH, raising=False)
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(sys, "executable", "/somewhere/bin/python3.12")
    return Started.all


def test_it_starts_once_and_for_an_expected_job_only(helpers: list[Started]) -> None:
    ahead.begin()
    assert not helpers
    ahead.expects("rank")
    ahead.expects("project")
    ahead.begin()
    ahead.begin()
    assert [s.command[-1] for s in helpers] == ["project"]
    assert helpers[0].how["env"][ahead.SWITCH] == "0"  # type: ignore[index]


@pytest.mark.parametrize(
    "case", ["switched off", "one core", "embedded", "no program", "no room", "a worker"]
)
def test_it_does_not_start_where_it_cannot_help(
    helpers: list[Started], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case == "switched off":
        monkeypatch.setenv(ahead.SWITCH, "0")
    elif case == "one core":
        monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {0}, raising=False)
    elif case == "embedded":
        monkeypatch.setattr(sys, "executable", "C:/QGIS/bin/qgis-bin.exe")
    elif case == "no program":
        monkeypatch.setattr(sys, "executable", "")
    elif case == "a worker":
        monkeypatch.setattr(ahead.multiprocessing, "parent_process", lambda: object())
    else:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Room", (), {"available": 1e8}))
    ahead.expects("rank")
    ahead.begin()
    assert not helpers


def test_a_machine_that_starts_nothing_is_no_error(
    helpers: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no more processes")

    monkeypatch.setattr(ahead.subprocess, "Popen", refuse)
    ahead.expects("rank")
    ahead.begin()
    assert not ahead._helper


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("how", ["ends", "killed"])
def test_the_helper_goes_with_its_process(tmp_path: Path, how: str) -> None:
    code = (
        "import time\nfrom permeability.engines.kernels import ahead\n"
        "ahead._may = lambda: True\nahead.expects('rank')\nahead.begin()\n"
        f"print(ahead._helper[0].pid, flush=True)\ntime.sleep({0.2 if how == 'ends' else 600})"
    )
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    env.pop(ahead.SWITCH, None)
    with subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        helper = int(process.stdout.readline())
        if how == "killed":
            process.kill()
        process.wait(60)
    for _ in range(200):
        if not psutil.pid_exists(helper) or psutil.Process(helper).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError("the helper is still there")


def test_the_helper_compiles_from_the_last_to_the_first_and_goes_on_after_a_kernel_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[tuple[str, object]] = []

    def module(name: str) -> object:
        kernel = SimpleNamespace(compile=lambda types: done.append((name, types)))
        return SimpleNamespace(here=kernel)

    listed = [("a.here", (1,)), ("b.gone", (2,)), ("c.here", (3,))]
    monkeypatch.setattr(ahead, "kinds", lambda job: listed if job == "rank" else [])
    monkeypatch.setattr(ahead, "import_module", module)
    ahead.work("project")
    assert done == []
    ahead.work("rank")
    assert done == [(f"{ahead.HOME}c", (3,)), (f"{ahead.HOME}a", (1,))]
