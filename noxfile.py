#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions: tests, lint, types, layers, notebooks, bench; trust: fuzz, kills, coverage, mutants, versions, lock, audit, licences, sbom."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|venv"

# What meets other libraries first, in some minutes: what comes in (objects, layers, names), what goes out (files, pictures),
# an engine of each kind, one ranking against an edited landscape, every command with --json, one project run.
ACROSS = (
    "tests/core", "tests/layers", "tests/house/test_first_guesses.py", "tests/house/test_front_door.py", "tests/landscape/test_objects_as_doors.py",
    "tests/engines/leastcost/test_distance.py", "tests/engines/circuit/test_gains.py", "tests/engines/omnidirectional/test_window_edges.py",
    "tests/ranking/test_edited_layer.py", "tests/report/test_kinds_of_files.py", "tests/report/test_run_workbook.py", "tests/viz/test_viz.py",
    "tests/cli/test_json.py", "tests/project/test_formats_of_layers.py", "tests/project/test_determinism.py",
)  # fmt: skip


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite and the examples in the docstrings."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(default=False)
def oldest(session: nox.Session) -> None:
    """The tests of ACROSS (or those named after --) with the oldest declared version of every library.

    Warnings of old libraries among themselves are none of ours.
    """
    told = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        d
        for name in ("dask", "explore", "parquet", "excel")
        for d in told["optional-dependencies"].get(name, ())
    ]
    session.env["NUMBA_CACHE_DIR"] = str(session.cache_dir / "oldest")
    floors = [re.sub(r"\[.*\]", "", d).replace(">=", "==") for d in [*told["dependencies"], *extras]]
    session.install(".[test]", *floors)
    session.run("python", "-m", "pytest", "-o", "filterwarnings=default", *(session.posargs or ACROSS))


@nox.session(default=False)
def newest(session: nox.Session) -> None:
    """The tests of ACROSS (or those named after --) with the newest version of every library, pre-releases included."""
    session.env["NUMBA_CACHE_DIR"] = str(session.cache_dir / "newest")
    session.install("--upgrade", "--pre", ".[test]")
    session.run("python", "-m", "pytest", *(session.posargs or ACROSS))


@nox.session
def release(session: nox.Session) -> None:
    """Source archive and wheel, looked at; the tests of the house pass from the unpacked archive."""
    session.install("build", "twine", "check-wheel-contents", "repo-review[cli]", "sp-repo-review")
    session.run("python", "-m", "build", "--outdir", "dist")
    archives = [str(p) for p in Path("dist").iterdir()]
    session.run("twine", "check", "--strict", *archives)
    session.run("check-wheel-contents", *[a for a in archives if a.endswith(".whl")])
    session.run("repo-review", ".")
    source = next(a for a in archives if a.endswith(".tar.gz"))
    unpacked = Path(session.create_tmp())
    session.run("python", "-m", "tarfile", "-e", str(Path(source).resolve()), str(unpacked))
    folder = unpacked / Path(source).name.removesuffix(".tar.gz")
    session.install(f"{folder}[test]")
    session.chdir(folder)
    session.run("python", "-m", "pytest", "tests/house", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports run one way."""
    session.install("-e", ".", "import-linter")
    session.run("lint-imports")


@nox.session
def notebooks(session: nox.Session) -> None:
    """Every notebook runs."""
    session.install("-e", ".[dev]")
    session.run(
        "python", "-m", "pytest", "--nbmake", "--nbmake-timeout=300", "notebooks", "-p", "no:cacheprovider"
    )


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with every link checked."""
    session.install("-r", "docs/requirements.txt")
    session.run("mkdocs", "build", "--strict", "-d", "build/site")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Side-by-side benchmarks; prints ratios."""
    session.install("-e", ".[dev]")
    for script in ("leastcost", "circuit", "ranking", "windows"):
        session.run("python", f"benchmarks/{script}.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hostile inputs to every reader: nox -s fuzz -- --seconds 3600."""
    session.install("-e", ".[test]")
    session.run("python", "benchmarks/fuzz.py", *(session.posargs or ["--seconds", "120"]))


@nox.session
def kills(session: nox.Session) -> None:
    """Runs killed at random and full disks, each resumed to the same bytes."""
    session.install("-e", ".[test]")
    session.run("python", "benchmarks/kills.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches that the tests take, programs that they start among them; kernels run compiled and are not counted."""
    session.install("-e", ".[test]", "pytest-cov>=7.0")
    session.run(
        "python", "-m", "pytest", "-q", "-n", "2", "--cov=permeability", "--cov-branch", "--cov-context=test", "--junitxml=build/junit.xml",
        "--cov-report=term:skip-covered", *session.posargs,
    )  # fmt: skip


@nox.session
def mutants(session: nox.Session) -> None:
    """Faults planted one at a time, and whether the tests see them (after the session coverage): nox -s mutants -- permeability/landscape."""
    session.install("-e", ".[test]", "cosmic-ray>=8.3", "coverage>=7.10")
    traced = ["--contexts", ".coverage", "--times", "build/junit.xml"]
    session.run("python", "benchmarks/mutants.py", *traced, *session.posargs)


@nox.session
@nox.parametrize("numbers", ["numpy==2.0.* scipy==1.14.*", "numpy scipy"])
def versions(session: nox.Session, numbers: str) -> None:
    """Two versions of numpy and scipy agree on the small project to a relative 1e-9 (permeability compare)."""
    session.install("-e", ".[test]", *numbers.split())
    folder = session.create_tmp()
    session.run("python", "-c", f"import permeability as pm; pm.run_project(pm.samples.tiny_project(r'{folder}/tiny'), r'{folder}/results')")  # fmt: skip
    kept = session.cache_dir / "versions"
    if kept.is_dir():
        session.run("permeability", "compare", str(kept), f"{folder}/results")
    session.run("python", "-c", f"import shutil; shutil.copytree(r'{folder}/results', r'{kept}', dirs_exist_ok=True)")  # fmt: skip


@nox.session
def lock(session: nox.Session) -> None:
    """Exact versions with hashes, for a repetition of a study: build/requirements.lock (pip install --require-hashes -r ...)."""
    session.install("pip-tools>=7.4")
    session.run("python", "-c", "import pathlib; pathlib.Path('build').mkdir(exist_ok=True)")
    session.run(
        "pip-compile", "--generate-hashes", "--allow-unsafe", "--strip-extras", "--quiet", "--extra", "explore", "--extra", "parquet",
        "--output-file", "build/requirements.lock", "pyproject.toml", *session.posargs,
    )  # fmt: skip


@nox.session
def audit(session: nox.Session) -> None:
    """Known weaknesses of the libraries that a user gets."""
    session.install("-e", ".[explore,parquet]", "pip-audit>=2.7")
    session.run("pip-audit", "--skip-editable", "--desc", *session.posargs)


@nox.session
def licences(session: nox.Session) -> None:
    """Licences of all libraries: build/licences.md; fails on one that would bind our own."""
    session.install("-e", ".[explore,parquet]", "pip-licenses>=5.0")
    session.run("python", "-c", "import pathlib; pathlib.Path('build').mkdir(exist_ok=True)")
    session.run(
        "pip-licenses", "--format=markdown", "--with-urls", "--output-file=build/licences.md", "--ignore-packages", "landscape-permeability",
        "--partial-match", "--fail-on=AGPL;GPLv2;GPLv3;GNU General Public",
    )  # fmt: skip


@nox.session
def sbom(session: nox.Session) -> None:
    """A bill of materials (CycloneDX JSON) of the environment that a user gets: build/sbom.cdx.json."""
    session.install("-e", ".[explore,parquet]", "cyclonedx-bom>=5.0")
    session.run("python", "-c", "import pathlib; pathlib.Path('build').mkdir(exist_ok=True)")
    session.run("cyclonedx-py", "environment", "--output-reproducible", "-o", "build/sbom.cdx.json")


if __name__ == "__main__":
    nox.main()
