"""The report of the Gobi sample, measured in a browser in every language: no label covers another, no cell is narrower than its words."""

from __future__ import annotations

import pytest
from browser import CHROMIUM, answer, browse, with_script
from page_layout import COVERED, NARROW, as_printed, in_frame

from permeability.locale.language import LANGUAGES
from permeability.report import write_report

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module", params=LANGUAGES)
def page(request, gobi_run, tmp_path_factory):
    return write_report(
        gobi_run.folder, tmp_path_factory.mktemp("gobi_page") / "report.html", language=request.param
    )


@pytest.mark.parametrize("width", [360, 800, 1200, "paper"])
def test_labels_and_words_have_their_room(page, tmp_path, width):
    for script in (COVERED, NARROW):
        if width == "paper":
            window, url = "--window-size=703,1000", with_script(as_printed(page, tmp_path), script)
        else:
            window, url = "--window-size=1300,1000", in_frame(with_script(page, script), tmp_path, width)
        found = answer(browse(url, tmp_path / "profile", window, "--dump-dom")[0])
        if script == COVERED:
            assert found["labels"] > 60
            assert found["covered"] == []
        else:
            assert found["words"] > 1000
            assert found["broken"] == found["out"] == []
