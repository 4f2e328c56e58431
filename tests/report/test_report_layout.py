"""How the page looks, measured in a browser: labels that do not cover each other, words that stay whole, few pages, page numbers."""

import runpy
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from page_layout import COVERED, NARROW, as_printed, in_frame
from places import REPOSITORY

from permeability.report import write_report
from permeability.report.pdf import write_pdf
from permeability.viz.label_places import LabelPlaces

BROWSER = runpy.run_path(str(REPOSITORY / "tests" / "report" / "test_report_browser.py"))
browse, with_script, answer, SAMPLE = (BROWSER[n] for n in ("browse", "with_script", "answer", "SAMPLE"))
in_browser = pytest.mark.skipif(BROWSER["CHROMIUM"] is None, reason="Chromium is not installed")
to_text = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")


@pytest.fixture(scope="module", params=["plain", "hostile"])
def page(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    made = SAMPLE["make_results"](
        folder / "results", *([SAMPLE["HOSTILE"]] if request.param == "hostile" else [])
    )
    return write_report(made, folder / "report.html", language="mn")


def measured(page, folder, script, width):
    """What a script finds on a page: in a window of some width [px], on a telephone, or as on paper."""
    flags = (folder / "profile", "--window-size=1200,900", "--dump-dom")
    if width == "paper":
        return answer(browse(with_script(as_printed(page, folder), script), *flags[:1], "--window-size=703,1000", "--dump-dom")[0])  # fmt: skip
    return answer(browse(in_frame(with_script(page, script), folder, width), *flags)[0])


WIDTHS = [360, 500, 800, 1200, "paper"]


@in_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_of_a_map_covers_another(page, tmp_path, width):
    found = measured(page, tmp_path, COVERED, width)
    assert found["labels"] > 10
    assert found["covered"] == []


@in_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_no_cell_of_a_table_is_narrower_than_its_longest_word(page, tmp_path, width):
    found = measured(page, tmp_path, NARROW, width)
    assert found["words"] > 300
    assert found["broken"] == []
    assert found["out"] == []


LONG = """
return [].map.call(document.querySelectorAll('table.long'),function(t){
var rows=t.tBodies[0].rows,note=t.closest('.scroll').nextElementSibling;while(note&&note.matches('p')&&!note.matches('.paper'))note=note.nextElementSibling;
return [rows.length,[].filter.call(rows,function(r){return r.getBoundingClientRect().height>0}).length,note&&note.matches('.paper')?note.textContent:'']});
"""


@in_browser
def test_long_tables_are_short_on_paper_and_name_the_file_with_the_rest(tmp_path):
    made = SAMPLE["make_results"](tmp_path / "results")
    pairs = pd.read_csv(made / "pairs.csv")
    pd.concat([pairs] * 4).to_csv(made / "pairs.csv", index=False)
    page = write_report(made, tmp_path / "report.html")
    flags = (tmp_path / "p", "--window-size=703,1000", "--dump-dom")
    on_paper = answer(browse(with_script(as_printed(page, tmp_path), LONG), *flags)[0])
    assert any(rows > 5 for rows, _, _ in on_paper)
    for rows, seen, note in on_paper:
        assert seen == min(rows, 5)
        if rows > 5:
            assert f"{rows - 5} more are in pairs.csv" in note
    on_screen = answer(browse(with_script(page, LONG), *flags)[0])
    assert all(rows == seen for rows, seen, _ in on_screen)


@in_browser
@to_text
def test_the_part_to_be_read_is_short_and_numbers_its_pages(tmp_path):
    results = SAMPLE["make_results"](tmp_path / "results")
    for part in ("summary", "full"):
        target = write_report(results, tmp_path / f"{part}.pdf", part=part)
        text = subprocess.run(
            ["pdftotext", "-layout", str(target), "-"], capture_output=True, text=True, check=True
        ).stdout
        pages = text.rstrip("\f").split("\f")
        assert f"1/{len(pages)}" in pages[0].replace(" ", "")
        assert f"{len(pages)}/{len(pages)}" in pages[-1].replace(" ", "")
        assert "First to open by expected gain" in pages[0]
        if part == "summary":
            assert len(pages) <= 8
            assert "SHA-256" not in text


@in_browser
def test_a_pdf_has_an_outline(tmp_path):
    results = SAMPLE["make_results"](tmp_path / "results")
    target = write_pdf(write_report(results, tmp_path / "r.html"), tmp_path / "r.pdf")
    assert b"/Outlines" in target.read_bytes()


def test_labels_never_meet_and_stay_on_the_map():
    rng = np.random.default_rng(3)
    for _ in range(50):
        width, height = rng.uniform(20, 900, 2)
        places = LabelPlaces(width, height, max(width / 900, height / 640))
        for _ in range(60):
            x, y = rng.uniform(0, 1, 2) * (width, height)
            places.place(float(x), float(y), "n" * int(rng.integers(1, 30)), float(rng.uniform(8, 14)))
        boxes = places.taken
        assert len(boxes) > 3
        for i, a in enumerate(boxes):
            assert a.left >= 0
            assert a.top >= 0
            assert a.right <= width
            assert a.bottom <= height
            assert not any(a.meets(b) for b in boxes[:i])
