"""The plugin of QGIS: dialogs as the program describes itself, calls as one would type them; in QGIS itself where that is installed."""

from __future__ import annotations

import filecmp
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from places import REPOSITORY

from permeability.cli.commands import cli
from permeability.cli.spec_command import leaves, spec_of
from permeability.project import samples

PLUGIN = REPOSITORY / "qgis" / "permeability_provider"
SPEC = {name: spec_of(name, command) for name, command in leaves(cli)}
MOST_LINES, MOST_BYTES = 400, 200_000


class Stub:
    """Whatever QGIS has: remembers what it was made with."""

    TypeVector, Integer, Double, Folder, File, Warning = (
        "vector",
        "integer",
        "double",
        "folder",
        "file",
        "warning",
    )

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.parameters: list[Any] = []

    def addParameter(self, parameter: Any) -> None:
        self.parameters.append(parameter)

    def addOutput(self, output: Any) -> None:
        self.output = output

    def setMinimum(self, value: float) -> None:
        self.minimum = value

    def setMaximum(self, value: float) -> None:
        self.maximum = value


class Core(types.ModuleType):
    """``qgis.core``: a class of its own for every name that is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name == "QgsProcessingException":
            made: Any = type(name, (Exception,), {})
        else:
            made = type(name, (Stub,), {})
        setattr(self, name, made)
        return made


@pytest.fixture(scope="module")
def plugin() -> Iterator[types.SimpleNamespace]:
    """The modules of the plugin, with QGIS stubbed."""
    before = {n: sys.modules.get(n) for n in ("qgis", "qgis.core")}
    qgis = types.ModuleType("qgis")
    qgis.core = Core("qgis.core")  # type: ignore[attr-defined]
    sys.modules["qgis"], sys.modules["qgis.core"] = qgis, qgis.core
    spec = importlib.util.spec_from_file_location(
        "permeability_provider", PLUGIN / "__init__.py", submodule_search_locations=[str(PLUGIN)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["permeability_provider"] = package
    spec.loader.exec_module(package)
    names = ("program", "algorithm", "provider", "plugin")
    yield types.SimpleNamespace(**{n: importlib.import_module(f"permeability_provider.{n}") for n in names})
    for name in [n for n in sys.modules if n.startswith("permeability_provider")]:
        del sys.modules[name]
    for name, module in before.items():
        sys.modules.pop(name) if module is None else sys.modules.__setitem__(name, module)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program as a plain Python that the user names; the checkout is not on the path of QGIS."""
    starter = tmp_path / ("permeability.bat" if os.name == "nt" else "permeability")
    if os.name == "nt":
        starter.write_text(f'@set PYTHONPATH={REPOSITORY}\n@"{sys.executable}" -m permeability %*\n')
    else:
        starter.write_text(
            f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m permeability "$@"\n'
        )
    starter.chmod(0o755)
    monkeypatch.setenv("PERMEABILITY_PYTHON", str(starter))
    return starter


class Feedback:
    """The log of QGIS."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.progress: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return self.said.append

    def setProgress(self, value: float) -> None:
        self.progress.append(value)

    def isCanceled(self) -> bool:
        return False


def test_it_is_thin_and_imports_nothing_of_the_product() -> None:
    texts = [p.read_text(encoding="utf-8") for p in PLUGIN.glob("*.py")]
    assert sum(len(t.splitlines()) for t in texts) < MOST_LINES
    assert not [
        line
        for t in texts
        for line in t.splitlines()
        if line.strip().startswith(("import permeability", "from permeability"))
    ]


def test_the_zip_is_small_and_always_the_same(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        subprocess.run(
            [sys.executable, str(REPOSITORY / "qgis" / "make_zip.py"), str(tmp_path / name)],
            check=True,
            capture_output=True,
        )
        made.append(tmp_path / name / "permeability_provider.zip")
    assert filecmp.cmp(*made, shallow=False)
    assert made[0].stat().st_size < MOST_BYTES
    inside = set(zipfile.ZipFile(made[0]).namelist())
    assert {f"permeability_provider/{n}" for n in ("metadata.txt", "__init__.py", "LICENSE")} <= inside


def test_every_algorithm_is_a_command_with_its_parameters(plugin: types.SimpleNamespace) -> None:
    names = set()
    for command in plugin.provider.COMMANDS:
        made = plugin.algorithm.CommandAlgorithm(SPEC[command])
        made.initAlgorithm()
        assert [p.given[0] for p in made.parameters] == [p["name"] for p in SPEC[command]["parameters"]]
        names.add(made.name())
    assert all(n.isalnum() for n in names)
    assert len(names) == len(plugin.provider.COMMANDS) == 10


def kinds(plugin: types.SimpleNamespace, command: str) -> dict[str, str]:
    made = plugin.algorithm.CommandAlgorithm(SPEC[command])
    made.initAlgorithm()
    return {p.given[0]: type(p).__name__.removeprefix("QgsProcessingParameter") for p in made.parameters}


def test_kinds_of_parameters(plugin: types.SimpleNamespace) -> None:
    found = kinds(plugin, "cost-distance")
    assert found["resistance"] == "RasterLayer"
    assert found["sources"] == found["lines"] == "FeatureSource"
    assert found["limit_km"] == "Number"
    assert found["neighbours"] == "Enum"
    assert found["style"] == "Boolean"
    assert found["out"] == "RasterDestination"
    assert kinds(plugin, "rank")["out"] == "VectorDestination"
    assert kinds(plugin, "run")["out"] == "FolderDestination"
    assert kinds(plugin, "check")["project"] == "File"
    assert kinds(plugin, "board")["results"] == "String"  # several folders, one for each season


@pytest.mark.parametrize(
    ("command", "name", "value", "words"),
    [
        ("run", "report", True, []), ("run", "report", False, ["--no-report"]), ("run", "resume", True, ["--resume"]), ("run", "workers", None, []),
        ("run", "workers", 2, ["--workers", "2"]), ("rank", "project", "a b.toml", ["a b.toml"]), ("rank", "names", "x; y", ["--species", "x", "--species", "y"]),
    ],
)  # fmt: skip
def test_words_of_a_value(
    plugin: types.SimpleNamespace, command: str, name: str, value: Any, words: list[str]
) -> None:
    told = next(p for p in SPEC[command]["parameters"] if p["name"] == name)
    assert plugin.algorithm.words_of(told, value) == words


def test_the_program_is_asked_what_it_can_do(plugin: types.SimpleNamespace, program: Path) -> None:
    assert {c["name"] for c in plugin.program.spec()["commands"]} == set(SPEC)


def test_results_progress_and_refusals_come_through(
    plugin: types.SimpleNamespace, program: Path, tmp_path: Path
) -> None:
    samples.tiny_project(tmp_path / "tiny")
    algorithm, feedback = plugin.algorithm.CommandAlgorithm(SPEC["rank"]), Feedback()
    words = ["rank", str(tmp_path / "tiny" / "project.toml"), "--out", str(tmp_path / "s.gpkg")]
    found, code = algorithm.call(words, feedback)
    assert code == 0
    assert [s["rank"] for s in found["sites"]] == [1, 2, 3, 4]
    assert feedback.progress[-1] == 100
    with pytest.raises(Exception, match="J01"):
        algorithm.call(["plan", str(tmp_path / "none.toml")], feedback)


def test_a_missing_program_is_told_with_the_remedy(
    plugin: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERMEABILITY_PYTHON", "/nowhere/python")
    with pytest.raises(plugin.program.ProgramError, match="name its Python there"):
        plugin.program.spec()
    monkeypatch.setenv("PERMEABILITY_PYTHON", sys.executable)
    assert plugin.program.command() == [sys.executable, "-m", "permeability"]


def test_a_stop_ends_the_program(
    plugin: types.SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name == "nt":
        pytest.skip("the sleeper is a shell script")
    sleeper = tmp_path / "permeability"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    monkeypatch.setenv("PERMEABILITY_PYTHON", str(sleeper))
    with pytest.raises(plugin.program.ProgramError, match="ended with code"):
        plugin.program.call(["spec"], stopped=lambda: True)


# ---------------------------------------------------------------- QGIS itself
QGIS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")


@pytest.mark.slow
@pytest.mark.skipif(QGIS is None, reason="QGIS (qgis_process) is not installed on this machine")
def test_qgis_gives_the_same_file_as_the_command(program: Path, tmp_path: Path) -> None:
    assert QGIS is not None
    samples.tiny_project(tmp_path / "tiny")
    home = (
        tmp_path
        / "home"
        / ".local"
        / "share"
        / "QGIS"
        / "QGIS3"
        / "profiles"
        / "default"
        / "python"
        / "plugins"
    )
    home.mkdir(parents=True)
    shutil.copytree(PLUGIN, home / PLUGIN.name, ignore=shutil.ignore_patterns("__pycache__"))
    env = {
        "HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PYTHONHOME": "/usr", "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path),
        "PERMEABILITY_PYTHON": str(program),
    }  # fmt: skip

    def qgis(*words: str) -> str:
        done = subprocess.run(
            [str(QGIS), *words], env=env, capture_output=True, text=True, timeout=300, check=False
        )
        return done.stdout + done.stderr

    qgis("plugins", "enable", PLUGIN.name)
    project = str(tmp_path / "tiny" / "project.toml")
    said = qgis("run", "permeability:rank", "--", f"project={project}", f"out={tmp_path / 'qgis.gpkg'}")
    result = json.loads(
        next(line for line in said.splitlines() if line.startswith("RESULT:")).partition("\t")[2]
    )
    subprocess.run(
        [str(program), "rank", project, "--out", str(tmp_path / "own.gpkg")], check=True, capture_output=True
    )
    assert len(result["sites"]) == 4
    assert filecmp.cmp(tmp_path / "qgis.gpkg", tmp_path / "own.gpkg", shallow=False)
