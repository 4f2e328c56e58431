"""The report: complete, escaped, self-contained, byte-stable, the same in three languages."""

import html
import re
import runpy
from html.parser import HTMLParser

import pytest
from places import REPOSITORY

from permeability.core.errors import OptionError, ProjectError
from permeability.report import write_comparison, write_report

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))
make_results, HOSTILE = SAMPLE["make_results"], SAMPLE["HOSTILE"]
VOID = {"meta", "link", "input", "img", "br", "path", "rect", "circle", "image"}
SECTIONS = [
    "summary",
    "case-impact",
    "case-sites",
    "case-budget",
    "limits",
    "assumptions",
    "area",
    "baseline",
    "impact",
    "sites",
    "budget",
    "money",
    "residual",
    "monitoring",
    "parameters",
    "repeat",
]


class Page(HTMLParser):
    """Tags, ids, links and visible text of a page; notes tags that do not close."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.links, self.images, self.text, self.open, self.bad = (
            [],
            [],
            [],
            [],
            [],
            [],
            [],
        )
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append((tag, facts))
        if "id" in facts:
            self.ids.append(facts["id"])
        for key in ("href", "src", "xlink:href"):
            if key in facts:
                (self.images if tag in ("image", "img", "link") else self.links).append(facts[key])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.bad.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("plain") / "results")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("hostile") / "results", HOSTILE)


def report(folder, tmp_path, language="en"):
    return write_report(folder, tmp_path / "r.html", language=language).read_text(encoding="utf-8")


def test_the_answer_comes_first_then_the_case_then_the_annexes(results, tmp_path):
    page = Page(report(results, tmp_path))
    assert [i for i in page.ids if i in SECTIONS] == SECTIONS
    assert not page.bad
    assert not page.open


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_nothing_is_fetched_and_every_link_inside_the_page_holds(results, tmp_path, language):
    text = report(results, tmp_path, language)
    page = Page(text)
    assert all(x.startswith("data:") for x in page.images)
    assert page.links
    assert all(x.startswith("#") and x[1:] in page.ids for x in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert f'<html lang="{language}">' in text
    assert "default-src 'none'" in html.unescape(text)


def test_the_policy_allows_this_script_and_no_other(results, tmp_path):
    import base64
    import hashlib

    text = report(results, tmp_path)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode("utf-8")).digest()).decode("ascii")
    assert f"script-src 'sha256-{digest}'" in html.unescape(text)


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_hostile_names_come_through_escaped_and_whole(hostile, tmp_path, language):
    text = report(hostile, tmp_path, language)
    page = Page(text)
    assert text.count("<script") == 1
    assert not page.bad
    for name in HOSTILE:
        assert " ".join(name.split()) in page.words
    handlers = [k for _, facts in page.tags for k in facts if k.startswith("on")]
    assert handlers == []


def test_same_inputs_same_bytes_and_small(results, tmp_path):
    one = write_report(results, tmp_path / "a.html").read_bytes()
    assert write_report(results, tmp_path / "b.html").read_bytes() == one
    assert len(one) < 8e6


def test_infinity_is_said_in_words(results, tmp_path):
    page = Page(report(results, tmp_path))
    assert not re.search(r"\b(inf|nan|NaN|Infinity|None|1e\+?30\d)\b", page.words)
    assert "no path" in page.words
    assert "at least one pair has no path" in page.words
    assert "becomes infinite" in page.words


def test_every_number_of_the_impact_has_its_sentence(results, tmp_path):
    page = Page(report(results, tmp_path))
    for sentence in (
        "60 km² of the range of Patch have no path to its largest piece; without barriers it would be 0 km².",
        "Connected pieces of the range: 2; without barriers: 1.",
        "From a patch, 50 km² lie within the movement budget, 44 % less than the 90 km² without barriers.",
        "2 pairs of patches have no path at all; without barriers it would be 0.",
        "The mean conductance between patches is 1, 50 % less than the 2 without barriers.",
    ):
        assert " ".join(sentence.split()) in page.words


def test_rows_and_map_share_the_keys_of_the_sections(results, tmp_path):
    page = Page(report(results, tmp_path))
    rows = {f["data-site"] for t, f in page.tags if t == "tr" and "data-site" in f}
    drawn = {f["data-site"] for t, f in page.tags if t == "g" and "data-site" in f}
    assert rows == drawn
    assert len(drawn) == 6


def test_every_map_says_in_words_what_it_shows(results, tmp_path):
    page = Page(report(results, tmp_path))
    labels = [f["aria-label"] for t, f in page.tags if t == "svg" and f.get("role") == "img"]
    assert any("Pressure along Rail, km 0 to 12" in x for x in labels)
    labels = [x for x in labels if x.startswith("Map")]
    assert len(labels) == 5
    assert any("6 ranked sections" in x and "Rail km 0-2" in x for x in labels)
    assert any("4 barriers, 3 patches" in x for x in labels)
    assert any("59 km² have no path" in x or "60 km² have no path" in x for x in labels)
    assert page.words.count("over 1,000 vehicles a day") >= 4
    assert page.words.count("EPSG:32648") >= 4


def test_the_choice_under_the_budget_is_told_in_plain_words(results, tmp_path):
    page = Page(report(results, tmp_path))
    for text in (
        "For a budget of 12,500 US dollars: 2 sites at 12,000 US dollars (best values of the costs).",
        "can gain more than 12.5\xa0% above this one",
        "Taking the best sites one by one would give 75.0\xa0% of its gain, at best values.",
        "it is proven that no set of sites for this money gains more.",
        "best sites one by one (the usual way)",
        "Rail km 8-10 (25.0\xa0% more, 6,000 US dollars)",
        "Who gains, who loses",
    ):
        assert " ".join(text.split()) in page.words
    curves = [
        f["aria-label"]
        for t, f in page.tags
        if t == "svg" and "Gain against budget" in f.get("aria-label", "")
    ]
    assert len(curves) == 2
    assert "6,000: 25\xa0%, 12,500: 50\xa0%, 50,000: 100\xa0%" in curves[0]


def test_money_and_hectares_come_from_their_files(results, tmp_path):
    page = Page(report(results, tmp_path))
    assert "Whole-life cost over 25 years" in page.words
    assert "8,000 (4,000 to 16,000)" in page.words
    assert "333 (167 to 667)" in page.words  # 1e6 / 3000 dollars per km2, and its range
    assert "250 (125 to 500)" in page.words  # 1e4 / 40 dollars per 0.01
    assert "less collisions avoided: 8,950" in page.words
    assert "−2,500" in page.words
    assert "the plan for the budget" in page.words


def test_risks_name_the_second_barrier_and_the_rank_range_shows(results, tmp_path):
    words = Page(report(results, tmp_path)).words
    assert "second barrier within 3 km: Road" in words
    assert "1 to 3" in words
    plain = Page(report(make_results(tmp_path / "plain", draws=False), tmp_path)).words
    assert "Rank range" not in plain
    assert "each rank is a single value" in plain


def test_machine_made_translations_are_named_in_the_footer(results, tmp_path):
    from permeability.locale.language import words

    for language in ("mn", "ru"):
        unread, entries = words(language).unreviewed
        assert 0 < unread <= entries
        footer = report(results, tmp_path, language).split("<footer>")[1]
        assert words(language).number(unread) in footer
        assert words(language).number(entries) in footer
    assert "translated by a machine" not in report(results, tmp_path)


def test_a_run_without_ranking_or_rasters_still_reports(tmp_path):
    import geopandas as gpd

    from permeability.layers import vectors

    folder = make_results(tmp_path / "bare")
    for path in [*folder.glob("*.tif"), folder / "sites.csv", folder / "scenarios.csv"]:
        path.unlink()
    barriers = gpd.read_file(folder / "sites.gpkg", layer="barriers")
    (folder / "sites.gpkg").unlink()
    vectors.write_gpkg(folder / "sites.gpkg", {"barriers": barriers})
    page = Page(report(folder, tmp_path))
    rest = [
        s for s in SECTIONS if s not in ("sites", "case-sites", "budget", "money")
    ]  # what needs a ranking is left out, not left empty
    assert [i for i in page.ids if i in SECTIONS] == rest


def test_refuses_what_is_no_result_folder_and_unknown_languages(results, tmp_path):
    with pytest.raises(ProjectError) as caught:
        write_report(tmp_path, tmp_path / "r.html")
    assert caught.value.code == "J06"
    assert "summary.json" in str(caught.value)
    with pytest.raises(OptionError) as refused:
        write_report(results, tmp_path / "r.html", language="rus")
    assert refused.value.code == "O01"
    assert not (tmp_path / "r.html").exists()


# ---------------------------------------------------------------- comparison
def test_comparison_names_the_inputs_that_differ_and_no_others(tmp_path):
    import json

    a, b = make_results(tmp_path / "today"), make_results(tmp_path / "plan")
    record = json.loads((b / "record.json").read_text(encoding="utf-8"))
    record["species"]["khulan"]["components"][0]["p"] = 0.25
    (b / "record.json").write_text(json.dumps(record), encoding="utf-8")
    impact = (
        (b / "impact.csv")
        .read_text(encoding="utf-8")
        .replace("khulan,all barriers,,60,2,50", "khulan,all barriers,,20,2,55")
    )
    (b / "impact.csv").write_text(impact, encoding="utf-8")
    page = Page(write_comparison([a, b], tmp_path / "c.html").read_text(encoding="utf-8"))
    assert not page.bad
    assert page.words.count("species.khulan.crossing of R1 (fence left).p ") == 1
    assert "crossing of R1 (track)" not in page.words
    assert "−40 km² (better)" in page.words
    assert "+5 km² (better)" in page.words


def test_comparison_of_equal_runs_says_so_and_needs_two(tmp_path):
    a, b = make_results(tmp_path / "a", HOSTILE), make_results(tmp_path / "b", HOSTILE)
    page = Page(write_comparison([a, b], tmp_path / "c.html", language="en").read_text(encoding="utf-8"))
    assert "No input differs" in page.words
    assert "better" not in page.words
    with pytest.raises(ProjectError) as caught:
        write_comparison([a], tmp_path / "d.html")
    assert caught.value.code == "J07"


def test_comparison_of_two_runs_lists_the_options_that_differ(tmp_path):
    import pandas as pd

    a, b = make_results(tmp_path / "a"), make_results(tmp_path / "b")
    table = pd.read_csv(b / "scenarios.csv")
    option, index = table["scenario"].iloc[-1], "reachable_km2"
    at = (table["scenario"] == option) & (table["index"] == index)
    assert at.sum() == 1
    table.loc[at, "after"] += 7.0
    table.to_csv(b / "scenarios.csv", index=False)
    words = Page(write_comparison([a, b], tmp_path / "c.html").read_text(encoding="utf-8")).words
    listed = words.split("Options that differ between the runs")[-1]
    assert "+7 km²" in listed
    table[table["scenario"] != option].to_csv(b / "scenarios.csv", index=False)
    words = Page(write_comparison([a, b], tmp_path / "d.html").read_text(encoding="utf-8")).words
    assert "not in this run" in words
    same = Page(write_comparison([a, a], tmp_path / "e.html").read_text(encoding="utf-8")).words
    assert "Options that differ" not in same


def test_difference_map_shows_where_the_current_grew(tmp_path):
    import numpy as np

    from permeability.layers import rasters
    from permeability.layers.exchange_grids import read_raster
    from permeability.layers.grid import Grid

    a, b = make_results(tmp_path / "a"), make_results(tmp_path / "b")
    raster = read_raster(a / "current_khulan.tif")
    grid = Grid.from_affine(SAMPLE["CRS"], raster.transform, raster.shape)
    values = raster.values.copy()
    values[2:4, 2:5] += 1.0
    values[8, 8] -= 0.25
    rasters.write_geotiff(b / "current_khulan.tif", np.asarray(values), grid)
    page = Page(write_comparison([a, b], tmp_path / "c.html").read_text(encoding="utf-8"))
    labels = [f["aria-label"] for t, f in page.tags if t == "svg" and f.get("role") == "img"]
    assert labels == ["Change of the current: more on 6 km², less on 1 km²."]


def test_pdf_without_a_browser_or_a_page_is_refused(results, tmp_path):
    from permeability.report.pdf import write_pdf

    page = write_report(results, tmp_path / "r.html")
    with pytest.raises(OptionError) as caught:
        write_pdf(page, tmp_path / "r.pdf", browser="no-such-browser")
    assert caught.value.code == "O03"
    with pytest.raises(OptionError) as caught:
        write_pdf(tmp_path / "none.html", tmp_path / "r.pdf", browser="python3")
    assert caught.value.code == "O04"
    assert not (tmp_path / "r.pdf").exists()


def test_the_report_says_what_to_find_out_first_and_where_the_pressure_is(tmp_path):
    page = Page(report(make_results(tmp_path / "r"), tmp_path))
    for words in (
        "The unknown numbers that matter most", "trace length along a barrier", "8 to 62 km", "whether it is fenced: Plan",
        "yes or no, chance 50", "traffic: Road", "100 to 900 vehicles a day", "not above chance",
        "Pressure along the line, km by km: Rail", "Pressure: up to 22", "Passages: up to 0.10",
    ):  # fmt: skip
        assert words in page.words, words
