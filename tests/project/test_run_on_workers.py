"""A project's species, scenarios and draws on threads and on the workers of a cluster: the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from permeability.cli import commands as cli
from permeability.core.errors import OptionError
from permeability.core.tasks import RunOn, run_tasks
from permeability.linkage.measured import Measured
from permeability.project import samples
from permeability.project.project import open_project
from permeability.project.run.run import run_project
from permeability.project.run.steps import Step, take_steps

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two species, a scenario, draws."""
    path = samples.tiny_project(tmp_path_factory.mktemp("run") / "tiny")
    text = path.read_text().replace("draws = 0", "draws = 6")
    text = text.replace(
        "[species.khulan]\n", '[species.mongolian_gazelle]\npatches = "patches"\n\n[species.khulan]\n'
    )
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def alone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone") / "results"
    run_project(project, folder, workers=1, report=False)
    return folder


def same_files(a: Path, b: Path) -> None:
    names = sorted(p.relative_to(a).as_posix() for p in a.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(b).as_posix() for p in b.rglob("*") if p.is_file())
    assert {
        "sites.csv",
        "scenarios.csv",
        "impact.csv",
        "current_khulan.tif",
        "scenarios/01_today/reach_khulan.tif",
    } <= set(names)
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_threads_give_the_same_files(project: Path, alone: Path, tmp_path: Path) -> None:
    run_project(project, tmp_path / "results", workers=3, report=False)
    same_files(alone, tmp_path / "results")


def test_a_scheduler_gives_the_same_files(project: Path, alone: Path, tmp_path: Path) -> None:
    """Through the command, by the address of a scheduler; its two workers are threads of this process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        command = ["run", str(project), "--out", str(tmp_path / "results"), "--no-report"]
        assert (
            cli._guarded(
                lambda: cli.cli.main(
                    [*command, "--scheduler", cluster.scheduler_address], standalone_mode=False
                )
            )
            == 0
        )
    same_files(alone, tmp_path / "results")


def test_processes_of_a_cluster_give_the_same_files(project: Path, alone: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run = run_project(
        project, tmp_path / "results", workers=2, scheduler="local", report=False,
        progress=lambda what, done, total: told.append((what, done, total)),
    )  # fmt: skip
    same_files(alone, tmp_path / "results")
    found = run.species["khulan"]
    assert found.connectivity.land is found.impact.land is found.land
    assert ("species", 100, 100) in told


def test_what_a_function_holds_travels_once() -> None:
    class Heavy:
        pickled = 0

        def __reduce__(self) -> tuple[type, tuple[()]]:
            Heavy.pickled += 1
            return Heavy, ()

    heavy = Heavy()

    def one(x: int) -> int:
        return x if heavy is not None else 0

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        assert [r for _, r in run_tasks(one, range(8), scheduler=cluster.scheduler_address)] == list(range(8))
    assert Heavy.pickled <= 3


def test_steps_are_checked_like_every_job(project: Path) -> None:
    land = open_project(project)
    measured = Measured(land.landscape("khulan"), land.patches("khulan"), land.range_mask("khulan"))
    step = Step("khulan", "impact", measured)
    with pytest.raises(OptionError, match="W01"):
        take_steps([step], RunOn(workers=0))
    assert step.work == 5.0  # two lines, alone and away, and today
