"""The documentation holds: its code runs, its commands exist, its links and pictures are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from places import REPOSITORY

from permeability.cli.commands import cli

ROOT = REPOSITORY
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MOST_BYTES = 150_000
MOST_IN_ALL = 1_500_000
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    return [code for name, code in FENCE.findall(path.read_text(encoding="utf-8")) if name == language]


def anchors(path: Path) -> set[str]:
    """Names of the headings of a page, as the site makes them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h.lower()).strip()) for h in heads}


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name == "how_to"], ids=lambda p: p.stem)
def test_code_of_a_how_to_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for code in blocks(page, "python"):
        exec(compile(code, str(page), "exec"), space)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_exist_with_their_options(page: Path) -> None:
    for line in "\n".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if not words or words[0] != "permeability":
            continue
        command: click.Command = cli
        rest = words[1:]
        while isinstance(command, click.Group):
            assert rest[0] in command.commands, line
            command, rest = command.commands[rest[0]], rest[1:]
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        assert {w for w in rest if w.startswith("--")} <= known, line


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_are_there(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, place = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), target
        if place and there.suffix == ".md":
            assert place in anchors(there), target


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/]+\.md", text))
    assert named == {str(p.relative_to(DOCS)) for p in PAGES}


def test_pictures_are_small_and_shown() -> None:
    pictures = [p for p in DOCS.rglob("*") if p.suffix in (".png", ".svg", ".jpg")]
    sizes = {p.name: p.stat().st_size for p in pictures}
    assert max(sizes.values()) < MOST_BYTES, sizes
    assert sum(sizes.values()) < MOST_IN_ALL
    shown = "".join(p.read_text(encoding="utf-8") for p in PAGES)
    assert [n for n in sizes if n not in shown] == []


def test_the_gate_of_the_site_counts_its_warnings() -> None:
    """With --quiet, mkdocs counts none, and --strict lets a dead link pass."""
    for name in (".ci/run", "noxfile.py"):
        told = re.sub(r"[\",]", "", (ROOT / name).read_text(encoding="utf-8"))
        (line,) = re.findall(r".*mkdocs build.*", told)
        assert "--strict" in line
        assert not re.search(r"--quiet|-q\b", line)
