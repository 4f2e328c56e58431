"""A file is what its name says, or it is refused before anything is computed or written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import permeability as pm
from permeability.core.errors import OptionError
from permeability.report import pdf, write_comparison
from permeability.report import write_report as write_report_of_folder

STARTS = {
    ".png": b"\x89PNG",
    ".pdf": b"%PDF-",
    ".svg": b"<?xml",
    ".html": b"<!DOCTYPE html>",
    ".PNG": b"\x89PNG",
    ".htm": b"<!DOCTYPE html>",
}


@pytest.mark.parametrize("end", STARTS)
def test_a_picture_is_of_the_kind_its_name_says(tmp_path: Path, end: str) -> None:
    land, _ = pm.samples.tiny()
    first = land.plot().save(tmp_path / f"map{end}").read_bytes()
    assert first.startswith(STARTS[end])
    assert land.plot().save(tmp_path / f"again{end}").read_bytes() == first  # no date, no random ids
    if end == ".svg":
        ET.fromstring(first)
    if end != ".htm":
        assert land.save(tmp_path / f"face{end}").read_bytes().startswith(STARTS[end])


@pytest.mark.parametrize("name", ["map.tif", "map.doc", "map", "map.jpg", "map.html.txt"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    land, patches = pm.samples.tiny()
    with pytest.raises(OptionError, match=r"O09.*cannot be written as(.|\n)*\.png, \.pdf, \.svg, \.html"):
        land.plot().save(tmp_path / name)
    with pytest.raises(OptionError, match=r"O09.*a report cannot be written as(.|\n)*\.html"):
        pm.write_report([pm.connectivity(land, patches)], tmp_path / name)
    with pytest.raises(OptionError, match=r"O09"):
        write_report_of_folder(tmp_path, tmp_path / name)
    with pytest.raises(OptionError, match=r"O09"):
        write_comparison([tmp_path, tmp_path], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    (tmp_path / "x.html").mkdir()
    with pytest.raises(OptionError, match=r"O09.*it is a folder"):
        pm.write_report([pm.connectivity(land, patches)], tmp_path / "x.html")


def test_a_pdf_is_printed_or_refused(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    if pdf.find_browser() is None:
        with pytest.raises(OptionError, match="O03"):
            pm.write_report([pm.connectivity(land, patches)], tmp_path / "x.pdf")
        assert list(tmp_path.iterdir()) == []
    else:
        assert (
            pm.write_report([pm.connectivity(land, patches)], tmp_path / "x.pdf")
            .read_bytes()
            .startswith(b"%PDF-")
        )
