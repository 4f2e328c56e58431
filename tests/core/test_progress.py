"""One signature of progress for every long function, one logger, and nothing printed that nobody asked for."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from places import REPOSITORY

import permeability as pm
from permeability.cli.commands import cli
from permeability.core import journal, progress
from permeability.core.errors import OptionError
from permeability.core.progress import long_job, telling
from permeability.core.tasks import Progress
from permeability.engines import kernels
from permeability.engines.circuit.modes.one_to_all import raster_all_to_one, raster_one_to_all
from permeability.engines.circuit.modes.pairs import raster_pairwise

PACKAGE = REPOSITORY / "permeability"
MAY_PRINT = ("cli", "locale/__main__.py", "project/run/doctor.py")  # whose work is to write to a terminal


class Bar:
    """A bar of tqdm as a test sees it."""

    made: ClassVar[list[Bar]] = []

    def __init__(self, total: int, desc: str | None = None, **options: Any) -> None:
        self.total, self.n, self.desc, self.options, self.closed = total, 0, desc, options, False
        Bar.made.append(self)

    def update(self, more: int) -> None:
        self.n += more

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _no_bars() -> None:
    Bar.made = []


def _sites() -> tuple[Any, Any, Any]:
    land, patches = pm.samples.tiny()
    return land, patches, pm.candidates(land, "F", length_m=2000)


def _rank(told: Any) -> Any:
    return pm.rank(*_sites(), draws=3, progress=told)


def _lines(told: Any) -> Any:
    land, patches = pm.samples.tiny()
    lines = {"A": shapely.LineString([(6000, 0), (6000, 8000)])}
    return pm.compare_alternatives(
        lines, land.without_barriers(), patches, "stock_fence", draws=2, progress=told
    )


def _project(tmp: Path) -> Path:
    return tmp if (tmp / "project.toml").is_file() else pm.samples.tiny_project(tmp / "tiny")


FOCAL = np.array([[1, 0, 2, 0, 3]])
JOBS: dict[str, Callable[[Any, Path], Any]] = {
    "rank": lambda told, tmp: _rank(told),
    "barrier_impact": lambda told, tmp: pm.barrier_impact(*_sites()[:2], progress=told),
    "portfolio": lambda told, tmp: pm.portfolio(pm.rank(*_sites()), 9000, progress=told),
    "plan_draws": lambda told, tmp: pm.plan_draws(
        pm.portfolio(pm.rank(*_sites()), 9000), 9000, draws=4, progress=told
    ),
    "damage_map": lambda told, tmp: pm.damage_map(
        _sites()[0].without_barriers(), _sites()[1], "stock_fence", progress=told
    ),
    "compare_alternatives": lambda told, tmp: _lines(told),
    "passage": lambda told, tmp: pm.movement_chain(_sites()[0].without_barriers(), _sites()[1]).passage(
        progress=told
    ),
    "omnidirectional": lambda told, tmp: pm.omnidirectional.omnidirectional(
        np.ones((9, 9)), radius=3, progress=told
    ),
    "wall_to_wall": lambda told, tmp: pm.wall_to_wall.wall_to_wall(np.ones((9, 9)), progress=told),
    "pairwise": lambda told, tmp: pm.circuit.pairwise(np.ones((1, 5)), [(0, 0), (0, 4)], progress=told),
    "raster_pairwise": lambda told, tmp: raster_pairwise(np.ones((1, 5)), FOCAL, progress=told),
    "raster_one_to_all": lambda told, tmp: raster_one_to_all(np.ones((1, 5)), FOCAL, progress=told),
    "raster_all_to_one": lambda told, tmp: raster_all_to_one(np.ones((1, 5)), FOCAL, progress=told),
    "run_project": lambda told, tmp: pm.run_project(_project(tmp), report=False, progress=told),
    "timeline": lambda told, tmp: pm.timeline(
        pm.open_project(_project(tmp)), "khulan", [2010, 2020], progress=told
    ),
    "settle": lambda told, tmp: pm.settle(
        _project(tmp), levels=2, origins=2, resampling="average", progress=told
    ),
}


@pytest.mark.parametrize("job", JOBS)
def test_every_long_function_tells_a_function_of_one_of_two_of_three_and_a_bar(
    job: str, tmp_path: Path
) -> None:
    seen: list[Any] = []
    JOBS[job](lambda done, total: seen.append((done, total)), tmp_path)
    assert seen
    assert all(0 <= done <= total for done, total in seen)
    two, seen = seen, []
    JOBS[job](lambda what, done, total: seen.append((what, done, total)), tmp_path / "3")
    assert [s[1:] for s in seen] == two or job in ("omnidirectional", "wall_to_wall", "run_project")
    assert all(isinstance(s[0], str) and s[0] for s in seen)
    seen = []
    JOBS[job](seen.append, tmp_path / "1")
    assert all(isinstance(s, Progress) and 0.0 <= s.share < 1.0 + 1e-9 for s in seen)
    JOBS[job](Bar, tmp_path / "bar")
    assert all(b.closed for b in Bar.made)
    JOBS[job](False, tmp_path / "no")
    with pytest.raises(OptionError, match="A08"):
        JOBS[job](3, tmp_path / "wrong")


def _count(n: int, *, progress: Any = None) -> int:
    for i in range(n):
        if progress is not None:
            progress(i + 1, n + 1)
    return n


def test_a_notebook_shows_one_bar_after_two_seconds_for_the_outermost_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_bar_class", lambda: Bar)
    inner = long_job("inner")(_count)

    @long_job("outer")
    def outer(*, progress: Any = None) -> None:
        inner(3)
        progress(1, 2)
        inner(3)

    outer()
    assert [b.desc for b in Bar.made] == ["outer"]
    assert Bar.made[0].options["delay"] == progress.QUIET_S
    inner(3)
    assert [b.desc for b in Bar.made] == ["outer", "inner"]
    outer(progress=lambda done, total: None)
    inner(3, progress=False)
    assert len(Bar.made) == 2


def test_bars_are_closed_whatever_happens() -> None:
    def fails(*, progress: Any = None) -> None:
        progress(1, 9)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        long_job("fails")(fails)(progress=Bar)
    assert Bar.made[0].closed
    assert progress._AT_WORK["jobs"] == 0


def test_scripts_are_shown_nothing_and_the_log_is_told(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    long_job("count")(_count)(20)
    assert capsys.readouterr() == ("", "")
    with caplog.at_level(logging.DEBUG, "permeability"):
        long_job("count")(_count)(20)
    names = {r.name for r in caplog.records}
    assert names == {"permeability.progress"}
    assert next(r.getMessage() for r in caplog.records if r.levelno == logging.INFO) == "count: begun"
    assert 2 <= sum(r.levelno == logging.DEBUG for r in caplog.records) <= 11  # a line for a tenth
    assert any(isinstance(h, logging.NullHandler) for h in journal.LOG.handlers)


def test_a_job_of_steps_has_a_bar_for_each() -> None:
    with telling(Bar, "run") as job:
        assert job.steps is not None
        for step in ("species", "draws"):
            for done in range(3):
                job.steps(step, done, 2)
    assert [b.desc for b in Bar.made] == ["species", "draws"]
    assert all(b.closed and b.n == 2 for b in Bar.made)


def test_a_step_that_breaks_off_gives_its_bar_up_to_the_next() -> None:
    with telling(Bar, "run") as job:
        assert job.steps is not None
        job.steps("species", 1, 9)
        job.steps("draws", 1, 4)
        job.steps("draws", 4, 4)
    assert [(b.desc, b.n, b.total, b.closed) for b in Bar.made] == [
        ("species", 1, 9, True),
        ("draws", 4, 4, True),
    ]


def test_the_log_hears_of_steps_that_somebody_watches(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[int, int]] = []
    with caplog.at_level(logging.DEBUG, "permeability"):
        long_job("count")(_count)(20, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(i, 21) for i in range(1, 21)]  # every one, though the log has a line for a tenth
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG]
    assert 2 <= len(lines) <= 11


@pytest.mark.parametrize(("notebook", "widgets", "module"), [(True, True, "notebook"), (True, False, "std"), (False, True, "std")])  # fmt: skip
def test_bars_of_a_notebook_where_it_can_draw_them(
    monkeypatch: pytest.MonkeyPatch, notebook: bool, widgets: bool, module: str
) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: notebook)
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if widgets else None)
    assert progress._bar_class().__module__ == f"tqdm.{module}"


def test_a_notebook_is_told_where_no_log_is_set_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(journal, "in_notebook", lambda: False)
    journal.say("12 patches are left out")
    assert capsys.readouterr().err == ""  # a script
    monkeypatch.setattr(journal, "in_notebook", lambda: True)
    journal.say("12 patches are left out")
    assert capsys.readouterr().err == "permeability: 12 patches are left out\n"
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler()])
    caplog.set_level(logging.INFO, "permeability")
    journal.say("the log has this")
    assert "permeability: the log has this" not in capsys.readouterr().err


def test_a_command_leaves_the_log_as_it_was() -> None:
    handlers, level = list(journal.LOG.handlers), journal.LOG.level
    for arguments in (["species"], ["species", "--no-such-option"]):
        CliRunner().invoke(cli, arguments)
        assert journal.LOG.handlers == handlers
        assert journal.LOG.level == level


def test_compiling_is_told_once_when_it_takes_long(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(kernels.time, "monotonic", lambda: clock[0])
    listener = kernels._Compiling()
    with caplog.at_level(logging.INFO, "permeability"):
        for seconds in (0.4, 0.4, 0.4, 5.0):
            listener.on_start(None)
            clock[0] += seconds
            assert len(caplog.records) == int(listener.told)
            listener.on_end(None)
    assert [r.getMessage() for r in caplog.records] == [kernels.COMPILING]


def test_no_code_of_the_library_prints() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(MAY_PRINT):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.append(f"{name}:{node.lineno}")
    assert found == []
