"""What the forms ask that a run can answer: headings in brief, and the indicators that belong to each.

The headings are our own short words for what the documents ask, with the documents' numbers where they have numbers that were seen; they are not the
official wording.  A heading without indicators is one about which a run knows nothing: its cells stay blank.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from permeability.core.texts import N_

__all__ = ["KINDS", "TITLES", "Asked"]


class Asked(NamedTuple):
    """One heading of a form.

    Attributes
    ----------
    number : str
        Empty where none was seen.
    text : str
        What is asked.
    codes : tuple of str
        Of the indicators that answer it.

    Examples
    --------
    >>> KINDS["cami"][0].number
    '1.3.1 c'
    """

    number: str
    text: str
    codes: tuple[str, ...] = ()


AREA = ("range_cut_off_km2", "reachable_km2", "eca_km2")
FLOW = ("mean_conductance", "pairs_apart")
LINES = ("barrier_km", "chance_per_km", "share_passable")

TITLES: Final = {
    "cami": N_("Programme of work of the Central Asian Mammals Initiative: evidence from this run"),
    "cms": N_("National report to the Convention on Migratory Species: evidence from this run"),
    "bukhara_deer": N_("National report on the Bukhara deer: evidence from this run"),
    "ps6": N_(
        "Annex on biodiversity for lenders and environmental impact assessment: evidence from this run"
    ),
    "ub": N_("Ulaanbaatar action plan: evidence from this run"),
}
KINDS: Final[dict[str, tuple[Asked, ...]]] = {
    "cami": (
        Asked("1.3.1 c", N_("Layers of existing and planned barriers"), ("barrier_km", "fences_mapped_km")),
        Asked("1.3.3 c", N_("Effectiveness of measures, monitored"), ("crossings_per_km",)),
        Asked("1.6.3", N_("Indicators with their confidence"), ("chance_per_km", "share_passable")),
        Asked("1.6.5", N_("Permeability of the landscape"), (*AREA, *FLOW)),
        Asked("2.2.1 a", N_("Fences in a database with metadata"), ("fences_mapped_km", "fences_sourced")),
        Asked("2.2.1 b", N_("Fences removed or redesigned"), ("planned_km", "barrier_km")),
        Asked("2.2.1 c", N_("Need and design of fences assessed; law and standards")),
        Asked("2.2.1 d", N_("Border fence more permeable"), ("border_chance",)),
        Asked("2.2.1 e", N_("Roads with more than 1,000 vehicles a day"), ("busy_road_km",)),
        Asked("2.2.1 f", N_("Mitigation and structures"), ("structures",)),
        Asked("2.2.1 g", N_("Better environmental impact assessment of roads")),
        Asked("2.2.1 h", N_("Suitable and no-go areas for railways")),
        Asked("2.2.1 i", N_("Whether khulan cross an unfenced railway"), ("track_chance",)),
        Asked("2.2.1 j", N_("Better environmental impact assessment of railways")),
        Asked("2.2.1 k", N_("Permeability in plans for roads and railways"), ("planned_lines_loss",)),
        Asked("2.2.2", N_("Land tenure")),
    ),
    "cms": (
        Asked("", N_("Obstacles to migration"), LINES),
        Asked("", N_("Connectivity of habitats"), (*AREA, *FLOW)),
        Asked("", N_("Measures planned or taken"), ("planned_km", "structures")),
        Asked("", N_("Monitoring"), ("crossings_per_km",)),
        Asked("", N_("Law and policy")),
        Asked("", N_("Finance and capacity")),
    ),
    "bukhara_deer": (
        Asked("", N_("Population: numbers and trend")),
        Asked("", N_("Habitat and its connectivity"), (*AREA, *FLOW)),
        Asked("", N_("Barriers and border fences"), (*LINES, "border_chance")),
        Asked("", N_("Measures planned or taken"), ("planned_km", "structures")),
        Asked("", N_("Monitoring"), ("crossings_per_km",)),
        Asked("", N_("Cooperation across borders")),
    ),
    "ps6": (
        Asked("", N_("Baseline: barriers that stand"), LINES),
        Asked("", N_("Critical habitat: determination")),
        Asked("", N_("Impact on connectivity"), (*AREA, *FLOW, "planned_lines_loss")),
        Asked("", N_("Avoid")),
        Asked("", N_("Minimise: structures and treatments"), ("structures", "track_chance")),
        Asked("", N_("Restore: kilometres opened"), ("planned_km",)),
        Asked("", N_("Offset: see offset.csv and the report")),
        Asked("", N_("Monitoring"), ("crossings_per_km", "share_passable")),
    ),
    "ub": (
        Asked("1.1-1.2", N_("Railway fences removed or changed"), ("planned_km", "share_passable")),
        Asked("1.3", N_("First two pilot sites")),
        Asked("1.4", N_("Opened sites monitored"), ("crossings_per_km",)),
        Asked("2.1", N_("Priorities for fence change"), ("planned_km", "mean_conductance")),
        Asked("4.1-4.3", N_("Traffic bans at set hours"), ("busy_road_km",)),
        Asked("5.1-5.3", N_("Overpasses, underpasses and existing bridges"), ("structures",)),
        Asked("8.1", N_("Strategic assessment of infrastructure"), ("planned_lines_loss",)),
        Asked("10.1-10.6", N_("Mitigation and offset strategy")),
        Asked("12.3", N_("Infrastructure and biodiversity in one database"), ("fences_mapped_km", "fences_sourced")),
        Asked("13.1-13.6", N_("Systematic monitoring"), ("reachable_km2", "range_cut_off_km2")),
    ),
}  # fmt: skip
