"""The map of page one: which stretches to open for which species, on the lines that stand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely

from permeability.locale.language import Words
from permeability.report import figures
from permeability.report.facts import Row
from permeability.report.results import Results
from permeability.viz import svg
from permeability.viz.label_places import SMALL, LabelPlaces
from permeability.viz.svg import label_places

COLOURS: Final = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # told apart by all (Okabe and Ito)
WIDEST, STEP = 13.0, 5.0  # pixels of the first species' stroke; each next one is thinner and lies on it


def answer_map(results: Results, parts: list[Row], tr: Words) -> Row | None:
    """The sections that cannot be told apart at the top, by species; None where nothing may be named.

    Parameters
    ----------
    results : Results
    parts : list of dict
        Species with their ``sites``, see :func:`permeability.report.sections.species_part`.
    tr : Words

    Returns
    -------
    dict or None
        A figure for the template ``map``.
    """
    named = [(p, tops(p["sites"])) for p in parts]
    named = [(p, found) for p, found in named if found]
    raster = next((r for p in parts if (r := results.raster("habitat", p["id"])) is not None), None)
    if not named or raster is None:
        return None
    frame = svg.frame_of(raster, _around(results, named))
    places, layers = label_places(frame, SMALL), []
    for part, found in named:
        _line_free(frame, results, part, found, places)
    for n, (part, found) in enumerate(named):
        ranked = results.ranked(part["id"])
        assert ranked is not None
        shapes = [ranked.geometry.iloc[i] for i in found]
        layers.append({
            "who": part["name"], "colour": COLOURS[n % len(COLOURS)], "width": f"{max(WIDEST - STEP * n, 3.0):g}",
            "d": frame.path(shapes, 0.05), **_named(frame, shapes[0], part, places),
            "text": tr("{who}: {n} sections that cannot be told apart at the top", who=part["name"], n=tr.number(len(found))),
        })  # fmt: skip
    first = "; ".join(f"{p['name']}: {p['sites'][found[0]]['id']}" for p, found in named)
    title = tr("Where to open first")
    alt = tr(
        "Map of the standing barriers with the sections to open first. By expected gain: {first}.",
        first=first,
    )
    figure: dict[str, Any] = svg.base(frame, title, alt, figures.foot(results, raster, tr), "answer", tr)
    figure["letters"] = places.letters
    figure |= {"backdrop": figures.backdrop(frame, raster), "tops": layers}
    figure["km_marks"] = figures.km_marks(frame, [results.ranked(p["id"]) for p, _ in named], places, tr)
    figure["barriers"] = svg.barrier_layers(frame, figures.standing(results.barriers), tr)
    return figure


def _around(results: Results, named: list[tuple[Row, list[int]]]) -> list[float]:
    """Bounds of the sections to open first and of the patches [m]: the places in question and the land on both sides."""
    boxes = []
    for part, found in named:
        ranked, patches = results.ranked(part["id"]), results.of_species(results.patches, part["id"])
        assert ranked is not None
        boxes.append(ranked.iloc[found].total_bounds)
        if patches is not None and len(patches):
            boxes.append(patches.total_bounds)
    every = np.array(boxes)
    return [float(v) for v in (*every[:, :2].min(axis=0), *every[:, 2:].max(axis=0))]


def _line_free(frame: svg.Frame, results: Results, part: Row, found: list[int], places: LabelPlaces) -> None:
    """No text lies on the sections that the map is about."""
    ranked = results.ranked(part["id"])
    assert ranked is not None
    for i in found:
        places.keep_line_free(frame.xy(shapely.get_coordinates(ranked.geometry.iloc[i])), 0.6 * WIDEST)


def tops(sites: list[Row]) -> list[int]:
    """Positions of the first section and of those that cannot be told apart from it; the first alone without draws.

    >>> tops([{"has_gain": True, "alike": 1.0}, {"has_gain": True, "alike": 2.0}, {"has_gain": True, "alike": 1.0}])
    [0, 2]
    """
    gaining = [i for i, s in enumerate(sites) if s["has_gain"]]
    if not gaining:
        return []
    group = sites[gaining[0]]["alike"]
    return [i for i in gaining if sites[i]["alike"] == group] if np.isfinite(group) else gaining[:1]


def _named(frame: svg.Frame, shape: Any, part: Row, places: LabelPlaces) -> Row:
    """The name of the first section beside it."""
    first = part["sites"][tops(part["sites"])[0]]
    text = str(first["id"])
    if shape.is_empty:
        return {"label": "", "x": "0", "y": "0", "anchor": "start", "mx": "0", "my": "0"}
    point = shape.interpolate(0.5, normalized=True)
    x, y = (float(v) for v in frame.xy(np.array([[point.x, point.y]]))[0])
    places.keep_free(x, y, 8.0)
    at = places.place(x, y, text, 13.0)
    if at is None:
        return {"label": "", "x": "0", "y": "0", "anchor": "start", "mx": "0", "my": "0"}
    return {
        "label": text,
        "x": f"{at.x:.2f}",
        "y": f"{at.y:.2f}",
        "anchor": at.anchor,
        "mx": f"{x:.2f}",
        "my": f"{y:.2f}",
    }
