"""Proper names and sentences of the shipped sample, so that they too read in every language.

Names of a user's own layers come from the layers: columns ``name_mn`` and ``name_ru`` where there are any.
"""

from __future__ import annotations

from permeability.words import N_

STATEMENTS = (
    N_(
        "Illustration only: lines are schematic, ranges are drawn for illustration, crossing chances are expert defaults."
    ),
)

PLACE_NAMES = (
    "Gobi sample",
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
