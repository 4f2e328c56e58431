"""The published list of indicators: what each is, how it is made, what it does not say, and how to read a change.

Names and texts are for readers; values come from :mod:`permeability.monitoring.indicator_values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from permeability.core.texts import N_
from permeability.linkage.index_table import INDEX

__all__ = ["INDICATOR", "LIST", "Indicator"]


@dataclass(frozen=True)
class Indicator:
    """One indicator of the list.

    Attributes
    ----------
    code : str
        Its name in tables and files.
    unit : str
    label, method, not_said, guidance : str
        English texts for readers, marked for the catalogues.
    lower_is_better : bool
    activity : str
        Of the programme of work of the Central Asian Mammals Initiative; empty for none.

    Examples
    --------
    >>> INDICATOR["reachable_km2"].unit
    'km2'
    """

    code: str
    unit: str
    label: str
    method: str
    not_said: str
    guidance: str
    lower_is_better: bool = False
    activity: str = ""


def _of_index(name: str, not_said: str, guidance: str) -> Indicator:
    index = INDEX[name]
    return Indicator(
        name, index.unit, index.label, index.meaning, not_said, guidance, index.lower_is_better, "1.6.5"
    )


LIST: Final = (
    _of_index("range_cut_off_km2", N_("whether animals live there, or would come back"), N_("less is better; it falls in one step when the first gap opens, and not again")),
    _of_index("reachable_km2", N_("how good the land is, or whether it has water"), N_("more is better; compare runs with the same movement budget only")),
    _of_index("mean_conductance", N_("how many animals move"), N_("more is better; it rises with every opening, also where a way exists already")),
    _of_index("eca_km2", N_("how large a population is"), N_("more is better; it hangs on the dispersal distance of the profile")),
    _of_index("pairs_apart", N_("how hard the ways are that exist"), N_("less is better; read it with its range over the draws: one unmapped fence may change it")),
    Indicator("chance_per_km", "1", N_("Crossing chance of the standing lines, mean by kilometre"), N_("chance per encounter of every row of the barrier layer, weighted by its length"), N_("how often animals come to the line"), N_("more is better; it changes with fences and with what is known of the species"), activity="1.6.3"),
    Indicator("share_passable", "1", N_("Share of line that is passable"), N_("length of standing lines with a crossing chance of one half or more, of all"), N_("whether the passable parts lie where animals come"), N_("more is better; low and high are the shares at low and high crossing chances"), activity="1.6.3"),
    Indicator("barrier_km", "km", N_("Barriers that stand"), N_("length of the standing rows of the barrier layer"), N_("how hard they are to cross"), N_("less is better; a longer length may only be a better map"), True, "2.2.1 b"),
    Indicator("planned_km", "km", N_("Kilometres chosen to be opened"), N_("length of the sections that the plan for the budget chose"), N_("what has been done"), N_("compare with what was opened in the field")),
    Indicator("crossings_per_km", "1/km", N_("Crossings per kilometre worked"), N_("crossings over kilometres that tracked animals walked along lines, Poisson interval"), N_("how many animals there are; tracked animals may not stand for all"), N_("more is better; compare years with the same fix rate"), activity="1.3.3 c"),
    Indicator("fences_mapped_km", "km", N_("Fences and fenced railways in the database"), N_("length of rows of fences and of railways that are fenced"), N_("fences that nobody has mapped"), N_("more is better while mapping goes on"), activity="2.2.1 a"),
    Indicator("fences_sourced", "1", N_("Share of fence rows with source and accuracy"), N_("rows of fences and railways with a source and a position accuracy, of all"), N_("whether the sources are right"), N_("one is the aim"), activity="2.2.1 a"),
    Indicator("border_chance", "1", N_("Chance to cross a border fence"), N_("number of the species profile that this run used"), N_("whether gaps exist that are not in the layer"), N_("more is better; low and high are the ends of the profile"), activity="2.2.1 d"),
    Indicator("busy_road_km", "km", N_("Roads with more than 1,000 vehicles a day"), N_("length of the road rows with such traffic, existing or planned"), N_("traffic by the hour and the season"), N_("less is better; the threshold is that of the programme of work"), True, "2.2.1 e"),
    Indicator("structures", "1", N_("Structures and treatments in the scenarios"), N_("measures of all scenarios of the project"), N_("whether they are built or used"), N_("compare with what was built"), activity="2.2.1 f"),
    Indicator("track_chance", "1", N_("Chance to cross an unfenced railway"), N_("number of the species profile that this run used"), N_("how it was found: see the evidence grade in the report"), N_("more is better; the question is open for khulan, so run both ends"), activity="2.2.1 i"),
    Indicator("planned_lines_loss", "1", N_("Conductance lost to planned lines"), N_("mean conductance of the scenario with the planned lines, less that of today"), N_("which line takes how much: see cumulative.csv"), N_("nearer to zero is better"), activity="2.2.1 k"),
)  # fmt: skip
INDICATOR: Final = {i.code: i for i in LIST}
NOT_KNOWN: Final = {
    "2.2.1 c",
    "2.2.1 g",
    "2.2.1 h",
    "2.2.1 j",
}  # activities about which a run knows nothing: law, assessments, and routes (`permeability route`)
