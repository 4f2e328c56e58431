"""Compiled templates: kept, trusted only for their own source, and never in the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import jinja2
import pytest

from permeability.viz.kept_templates import KeptTemplates


def page(folder: Path, **values: object) -> str:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, bytecode_cache=KeptTemplates()
    )
    return made.get_template("page.html.j2").render(**values)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("__pycache__/*"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    monkeypatch.setattr("sys.pycache_prefix", None)
    (tmp_path / "page.html.j2").write_text("a {{ x }} b", encoding="utf-8")
    return tmp_path


def test_the_second_page_is_not_compiled(folder, monkeypatch):
    assert page(folder, x=1) == "a 1 b"
    assert [p.suffix for p in kept(folder)] == [".pyc"]

    def never(*_, **__):
        raise AssertionError("compiled again")

    monkeypatch.setattr(jinja2.Environment, "compile", never)
    assert page(folder, x="<b>") == "a &lt;b&gt; b"


def test_another_source_or_another_jinja_is_compiled_anew(folder, monkeypatch):
    page(folder, x=1)
    (folder / "page.html.j2").write_text("c {{ x }} d", encoding="utf-8")
    assert page(folder, x=1) == "c 1 d"
    before = kept(folder)[0].read_bytes()
    monkeypatch.setattr(jinja2, "__version__", "99.0")
    assert page(folder, x=1) == "c 1 d"
    assert kept(folder)[0].read_bytes() != before


@pytest.mark.parametrize("cut", [0, 1, 5, 20, -1])
def test_what_is_cut_short_or_broken_is_compiled_anew(folder, cut):
    page(folder, x=1)
    place = kept(folder)[0]
    whole = place.read_bytes()
    for broken in (whole[:cut], b"\x80\x04" + os.urandom(50), whole[:30] + b"\xff" * 20):
        place.write_bytes(broken)
        assert page(folder, x=2) == "a 2 b"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="folders cannot be closed to this user")
def test_a_folder_that_cannot_be_written(folder):
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert page(folder, x=1) == "a 1 b"
    finally:
        folder.chmod(0o755)
    assert kept(folder) == []


def test_a_disk_that_is_full_leaves_nothing_behind(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert page(folder, x=1) == "a 1 b"
    assert kept(folder) == []


def test_nothing_is_kept_where_python_keeps_nothing(folder, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert page(folder, x=1) == "a 1 b"
    assert kept(folder) == []


def test_a_template_that_is_no_file_is_not_kept(folder):
    made = jinja2.Environment(
        loader=jinja2.DictLoader({"page": "a {{ x }}"}), autoescape=True, bytecode_cache=KeptTemplates()
    )
    assert made.get_template("page").render(x=1) == "a 1"
    assert kept(folder) == []
