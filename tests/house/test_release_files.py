"""What only another machine runs: workflows, the conda recipe, hooks, the source archive, the paper; held against what is there."""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from places import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
OTHER_NAMES = {"matplotlib": "matplotlib-base"}  # of packages of conda-forge


def read_yaml(path: Path) -> Any:
    """A file as YAML 1.2 reads it: ``on`` is a word."""
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if True in found:  # YAML 1.1
        found["on"] = found.pop(True)
    return found


def sessions() -> set[str]:
    """Names of the sessions of nox, with nox or without."""
    tree = ast.parse((REPOSITORY / "noxfile.py").read_text(encoding="utf-8"))
    return {
        f.name
        for f in tree.body
        if isinstance(f, ast.FunctionDef) and any("nox.session" in ast.unparse(d) for d in f.decorator_list)
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_a_workflow_has_the_form_that_its_reader_wants(path: Path) -> None:
    flow = read_yaml(path)
    assert flow["permissions"] == {"contents": "read"}
    for name, job in flow["jobs"].items():
        assert job["runs-on"], name
        assert set(
            job.get("needs", [])
            if isinstance(job.get("needs"), list)
            else [job["needs"]]
            if "needs" in job
            else []
        ) <= set(flow["jobs"])
        for step in job["steps"]:
            assert len({"uses", "run"} & set(step)) == 1, (name, step)
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w./-]+@[\w./-]+", step["uses"])
        matrix = job.get("strategy", {}).get("matrix", {})
        asked = set(re.findall(r"\$\{\{ matrix\.(\w+)", str(job)))
        assert asked <= set(matrix), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_every_session_that_a_workflow_calls_is_there(path: Path) -> None:
    flow, there = read_yaml(path), sessions()
    for job in flow["jobs"].values():
        chosen = job.get("strategy", {}).get("matrix", {}).get("session", [])
        for step in job["steps"]:
            for words in re.findall(r"nox -s ([^\n|&]+)", step.get("run", "")):
                named = chosen if "matrix.session" in words else words.split(" -- ")[0].split()
                assert named
                assert set(named) <= there


def test_the_matrix_covers_the_systems_and_versions_that_the_metadata_names() -> None:
    matrix = read_yaml(REPOSITORY / ".github" / "workflows" / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    told = {c.rsplit(" ", 1)[1] for c in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", c)}
    assert set(matrix["python"]) == told
    assert {o.split("-")[0] for o in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_the_tests_named_in_a_session_are_there() -> None:
    tree = ast.parse((REPOSITORY / "noxfile.py").read_text(encoding="utf-8"))
    across = next(
        ast.literal_eval(n.value)
        for n in tree.body
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "ACROSS"
    )
    assert len(across) > 10
    assert [p for p in across if not (REPOSITORY / p).exists()] == []


def test_the_command_that_checks_a_tag_reads_the_version() -> None:
    flow = read_yaml(REPOSITORY / ".github" / "workflows" / "release.yml")
    step = next(s for s in flow["jobs"]["build"]["steps"] if "tag" in s.get("name", ""))
    code = re.search(r"python -c '(.+?)'\)", step["run"])
    assert code is not None
    read = subprocess.run(
        [sys.executable, "-c", code[1]], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert read.stdout.strip() == PROJECT["project"]["version"]


def test_the_conda_recipe_asks_for_what_the_metadata_asks_for() -> None:
    text = (REPOSITORY / ".github" / "conda" / "meta.yaml").read_text(encoding="utf-8")
    version = re.search(r'set version = "(.+)"', text)
    assert version is not None
    assert version[1] == PROJECT["project"]["version"]
    run = re.search(r"\n  run:\n((?:    - .+\n)+)", text)
    assert run is not None
    asked = [line.strip()[2:] for line in run[1].splitlines()]
    told = [re.sub(r"\s*([<>=])", r" \1", d, count=1) for d in PROJECT["project"]["dependencies"]]
    want = [" ".join([OTHER_NAMES.get(d.split()[0], d.split()[0]), *d.split()[1:]]) for d in told]
    assert asked == [f"python {PROJECT['project']['requires-python'].replace('>=', '>=')}", *want]
    (script,) = PROJECT["project"]["scripts"].items()
    assert f"- {script[0]} = {script[1]}" in text


def test_the_source_archive_holds_every_file_of_the_repository() -> None:
    """Nothing is left out: tests read notebooks, benchmarks, workflows and the pictures of the documentation."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("this is an unpacked archive, not a repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    taken = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    out = [
        f
        for f in listed
        if f and not any(f == t or f.startswith(f"{t}/") or fnmatch.fnmatch(f, t) for t in taken)
    ]
    assert out == []


def test_the_paper_cites_what_its_list_holds_and_shows_pictures_that_are_there() -> None:
    folder = REPOSITORY / "docs" / "paper"
    text, entries = ((folder / n).read_text(encoding="utf-8") for n in ("paper.md", "paper.bib"))
    cited = set(re.findall(r"@([a-z]+\d{4}\w*)", text))
    assert cited == set(re.findall(r"@\w+\{(\w+),", entries))
    assert entries.count("doi = ") == len(cited)
    for picture in re.findall(r"\]\(([^)]+\.png)\)", text):
        assert (folder / picture).resolve().is_file()
    for page in re.findall(r"`(docs/[\w./]+)`", text):
        assert (REPOSITORY / page).is_file()
    body = re.sub(r"^---.*?---", "", text, flags=re.S)
    assert 250 <= len(body.split()) <= 1750  # what the journal takes
    for part in ("Summary", "Statement of need", "References"):
        assert f"# {part}" in text
