"""Proper names and sentences of the shipped sample, so that they too read in every language.

Names of a user's own layers come from the layers: columns ``name_mn`` and ``name_ru`` where there are any.
"""

from __future__ import annotations

from permeability.locale.language import N_

STATEMENTS = (
    N_("An invented example."),
    N_(
        "Illustration only: lines are schematic, ranges are drawn for illustration, crossing chances are expert defaults."
    ),
    N_(
        "Illustration only: the planned line is schematic, ranges are drawn for illustration, passages are invented, crossing chances are expert defaults."
    ),
)

SPECIES_TEXTS = (  # statements of the profiles that are translated; the others stand in English
    N_(
        "not one of the fifteen species; looks like the argali and is confused with it in the field; every number here is that of the argali, not found for this species"
    ),
    N_(
        "not one of the fifteen species; looks like the Tibetan gazelle and is confused with it in the field; every number here is that of the Tibetan gazelle, not found for this species"
    ),
    N_(
        "Annual range 4,449-6,835 km2 in Great Gobi B; tens of thousands in the south-east Gobi, up to 70,000 km2."
    ),
    N_("Walks 10-20 km a day, 50+ km on long days."),
    N_("20 collared animals together covered more than 80,000 km2 in a month."),
    N_(
        "Drinks almost daily, 12-15 l, 24 l on hot days; 367 water points in 100,000 km2, 53 of them of population importance."
    ),
    N_("Mostly within about 10-15 km of water."),
    N_("Avoids mountains; range mostly below the productivity line of 250 gC/m2/yr."),
    N_("Cannot crawl under or jump the fence of the Trans-Mongolian Railway."),
    N_("One animal is said to have walked about 62 km along the railway fence."),
    N_(
        "The fenced Trans-Mongolian Railway is the absolute eastern edge of the range; 12 animals tracked near the line 2002-2012."
    ),
    N_("Whether khulan cross an unfenced track is an open question (CAMI programme of work, 2.2.1 i)."),
    N_("Several animals crossed mining roads many times soon after collaring."),
    N_("Avoidance grows with traffic."),
    N_("No crossings of the border fence seen."),
    N_("First khulan in 65 years east of the railway, through a gap, on 16 March 2020."),
    N_(
        "Used all 22 crossing structures of an expressway in the Kalamaili reserve within two years, 7 of them often; more use of structures that are open and near water."
    ),
    N_("Prefers wide open ground."),
    N_("Closer to the railway and the border in winter than in summer."),
    N_("About 36,300 (2014) to 51,700 (2019) in the south Gobi; about 86,000 in Mongolia later."),
    N_("Will khulan cross an unfenced track? (0.10 to 0.90)"),
    N_("Distribution of trace lengths: one record found"),
    N_("Use of gaps by hour, season and herd since 2020"),
    N_("Fence state and design of the railways opened in 2022"),
    N_("About 19,000 km2 a year and about 100,000 km2 in a lifetime."),
    N_("Adults 14,000-32,000 km2 a year."),
    N_("Walks 10-20 km a day, bursts of 40+ km."),
    N_("One animal walked at least 18,000 km in five years, 900 km in one winter."),
    N_("Free of water when forage is green or snow lies."),
    N_("Flat to rolling steppe; the winter range follows short snow cover and high NDVI."),
    N_("Winter ranges of one animal up to 340 km apart."),
    N_(
        "The border fence was an absolute barrier and affected 80% of 22 tracked animals: that is the share that met it. They walked along it, median 11 km."
    ),
    N_("62 animals: mean trace 40.2 km, longest 211.6 km."),
    N_(
        "Fences were major obstacles; the paper reports length traced, duration and crossing success by type of barrier for 62 animals."
    ),
    N_("0 of 24 tracked animals crossed the railway 2002-2012."),
    N_("Most never crossed in the later set."),
    N_("More than 5,300 died along the line in winter 2015."),
    N_("Paved roads with heavy traffic bring the same bouncing as fences: semi-permeable."),
    N_("Absolute barrier."),
    N_("Herds go through the gaps of the railway fence since 2019-2020."),
    N_(
        "Closer to the railway and the border in winter than in summer; new closures matter most from November to March and in dzud years."
    ),
    N_("Calving in June-July."),
    N_("Crossing chance per encounter at the fenced railway: 0 of 24 animals gives only an upper limit"),
    N_(
        "Crossing success by type of barrier was measured on 62 animals (Seveque et al. 2025 Proc R Soc B), but no figure stands in the part of the abstract that was seen: take the figures from the paper and put them in place of the expert defaults"
    ),
    N_("Traffic by hour on the roads of the eastern steppe"),
    N_("Use of gaps in the railway fence since 2019"),
)

LANDSCAPES = (  # of the species profiles
    "Altay-Sayan",
    "Altyn Dala",
    "Amu Darya",
    "Baluchistan",
    "Betpak-Dala",
    "Central Himalaya",
    "Dauria",
    "Dzungarian Basin",
    "Eastern Steppe",
    "Gashun Gobi",
    "Gobi",
    "Great Gobi A",
    "Great Gobi B",
    "Himalaya",
    "Hustai",
    "Ile - Balkhash",
    "Iranian central plateau",
    "Iranian deserts",
    "Kalamaili",
    "Karakorum",
    "Karakum",
    "Khomyn Tal",
    "Kopet Dag",
    "Kyzylkum",
    "Ladakh",
    "Lop Nur",
    "Pamir",
    "Pre-Caspian",
    "Qinghai Lake basin",
    "Qinghai-Tibet plateau",
    "Sharga and Khuisiin Gobi",
    "Syr Darya",
    "Taklamakan",
    "Thar",
    "Tien Shan",
    "Torgai",
    "Ural",
    "Ustyurt",
    "Zeravshan",
)

PLACE_NAMES = (
    *LANDSCAPES,
    "Planned railway Sainshand - Baruun-Urt - Khuut",
    "No-build",
    "2035 without the railway; road traffic has grown by half (assumed)",
    "Railway unfenced",
    "the line is built, the fences are not",
    "Railway fenced",
    "barbed wire on both sides, as along the Trans-Mongolian Railway; no passages",
    "Plan A: underpasses",
    "four underpasses, 50 m wide",
    "Plan B: wildlife-friendly fence",
    "smooth raised lowest wire along the whole line",
    "Plan C: open stretches",
    "no fence on four stretches of 20 km",
    "Plan C and openings in the old fence",
    "in addition three openings of 10 km in the fence of the Trans-Mongolian Railway",
    "All planned lines fenced",
    "cumulative impact: also Choibalsan - Khuut - Bichigt, fenced",
    "Gobi sample",
    "Two patches and a fence",
    "opened in the middle",
    "West",
    "East",
    "Three openings",
    "Planned railways unfenced",
    "Mongolia",
    "TMR northern border - Ulaanbaatar",
    "TMR Ulaanbaatar - Choir",
    "TMR Choir - Sainshand",
    "TMR Sainshand - Zamyn-Uud - border",
    "Tavan Tolgoi - Gashuun Sukhait railway",
    "Gashuun Sukhait - Ganqimaodu cross-border railway",
    "Tavan Tolgoi - Zuunbayan railway",
    "Zuunbayan - Khangi railway",
    "Sainshand - Zuunbayan branch",
    "Airag - Bor-Öndör branch",
    "Bagakhangai - Baganuur branch",
    "Choibalsan - Ereentsav railway",
    "Choibalsan - Khuut - Bichigt railway",
    "Sainshand - Baruun-Urt - Khuut railway",
    "Nariin Sukhait - Shivee Khuren railway",
    "Ukhaa Khudag (Tavan Tolgoi) - Gashuun Sukhait coal road",
    "Oyu Tolgoi - Gashuun Sukhait road",
    "Khanbogd - Oyu Tolgoi road",
    "Nariin Sukhait - Shivee Khuren coal road",
    "AH3 Ulaanbaatar - Choir - Sainshand - Zamyn-Uud highway",
    "Ulaanbaatar - Mandalgovi - Dalanzadgad road",
    "Dalanzadgad - Tsogttsetsii - Ukhaa Khudag road",
    "Ulaanbaatar - Undurkhaan - Baruun-Urt road",
    "Mongolia - China border fence",
    "Mongolia - Russia border",
    "Small Gobi A (schematic)",
    "Small Gobi B (schematic)",
    "Ergeliin Zoo (schematic)",
    "Zagiin Us (schematic)",
    "South of Ikh Nart (schematic)",
    "Khövsgöl steppe, between the Khangi line and the TMR (schematic)",
    "North of Burdene Bulag (schematic)",
    "Delgerekh steppe (schematic)",
    "Dornod Mongol (schematic)",
    "Menen steppe (schematic)",
    "Toson Khulstai (schematic)",
    "Southern Sükhbaatar steppe (schematic)",
    "Southern Khentii steppe (schematic)",
    "Eastern Dornogovi steppe (schematic)",
    "West of Ikh Nart (schematic)",
    "Saikhandulaan steppe (schematic)",
    "Northern border (Naushki side)",
    "Sükhbaatar",
    "Orkhon",
    "Darkhan",
    "Baruunkharaa",
    "Züünkharaa",
    "Tünkhel",
    "Mandal (Batsümber)",
    "Davaany",
    "Emeelt",
    "Ulaanbaatar",
    "Khonkhor",
    "Bagakhangai",
    "Maanit",
    "Bayantal",
    "Choir",
    "Shiveegovi",
    "Tsomog",
    "Airag",
    "Sainshand",
    "Senj (Örgön area)",
    "Ulaan-Uul",
    "Zamyn-Üüd",
    "Southern border (Erenhot side)",
)


def country(name: str, language: str) -> str:
    """The name of a state in a language, from its English name; unchanged where it is not known.

    >>> country("Kazakhstan", "ru"), country("Nowhere", "mn")
    ('Казахстан', 'Nowhere')
    """
    from babel import Locale

    codes = {text: code for code, text in Locale("en").territories.items()}
    return str(Locale(language).territories.get(codes.get(name, ""), name))
