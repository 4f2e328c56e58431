"""Words, numbers and names in the reader's language: gettext catalogues and Babel.

A text meant for readers is marked by calling :class:`Words` (by habit named ``tr``) or :func:`N_`; the catalogues in
``permeability/locale`` are made from these marks by ``python -m permeability.locale``.  English is the source
language and needs no catalogue.  Errors, logs, column names and files for machines stay English.
"""

from __future__ import annotations

import gettext
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from permeability.core.errors import check_choice
from permeability.core.texts import N_ as N_
from permeability.core.texts import Said, Worded, in_english, plainly

LANGUAGES: Final = ("en", "mn", "ru")
NAMES: Final[Mapping[str, str]] = {"en": "English", "mn": "Монгол", "ru": "Русский"}
DOMAIN: Final = "permeability"
WHERE: Final = (
    "PERMEABILITY_LANGUAGE",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
)  # the first that is set says the language
SMALL: Final = 5e-5  # numbers nearer to zero are written as such


@dataclass(frozen=True)
class Words:
    """The words of one language; call it with an English text to get the translated one.

    Attributes
    ----------
    language : {"en", "mn", "ru"}
    catalogue : gettext.NullTranslations

    Examples
    --------
    >>> tr = words("en")
    >>> tr("{n} pairs of patches", n=tr.number(1234))
    '1,234 pairs of patches'
    >>> tr.number(float("inf")), tr.number(float("nan")), tr.number(0.04171, 3)
    ('infinite', 'not known', '0.0417')
    """

    language: str
    catalogue: gettext.NullTranslations

    def __call__(self, message: str, **values: object) -> str:
        """The text in this language, its ``{places}`` filled."""
        text = self.catalogue.gettext(message) if message else ""
        return text.format(**values) if values else text

    def said(self, told: Any) -> str:
        """A sentence kept with its values apart (:class:`permeability.core.texts.Said`, or as the record has it).

        >>> words("ru").said({"text": "{n} trains a day", "values": {"n": 12.5}})
        'поездов в день: 12,5'
        """
        if isinstance(told, Worded):
            told = told.said
        if isinstance(told, Said):
            told = plainly(told)
        if isinstance(told, (list, tuple)):
            return ", ".join(map(self.said, told))
        if isinstance(told, Mapping):
            if "names" in told:
                return str(told["names"].get(self.language) or told["names"]["en"])
            values = {k: self.said(v) for k, v in told["values"].items()}
            return self(told["text"]).format(**values) if values else self(told["text"])
        if isinstance(told, (int, float)) and math.isfinite(told):
            text = in_english(told)
            return text if "e" in text else self.fixed(told, len(text.partition(".")[2]))
        return str(told)

    def name(self, text: object) -> str:
        """A proper name in this language, where the catalogue has it; unchanged otherwise."""
        return self.catalogue.pgettext("name", str(text)) if str(text) else ""

    def number(self, value: Any, digits: int = 3) -> str:
        """A number as this language writes it: whole above 100, else with significant digits; never ``inf``.

        Parameters
        ----------
        value : float
        digits : int
            Significant digits of small numbers.
        """
        if value is None or isinstance(value, str):
            value = {"inf": math.inf, "-inf": -math.inf}.get(str(value), math.nan)
        value = float(value)
        if math.isnan(value):
            return self("not known")
        if math.isinf(value):
            return self("infinite")
        if 0 < abs(value) < SMALL:
            return "≈ 0"
        return self.fixed(value, decimals(value, digits))

    def fixed(self, value: float, places: int = 0) -> str:
        """A finite number with a fixed number of decimal places."""
        return _written(round(float(value), places) + 0.0, places, self.language)

    def signed(self, value: Any, digits: int = 3) -> str:
        """A change, with its sign: ``+12``, ``−3.4``, ``0``."""
        number = float(
            {"inf": math.inf, "-inf": -math.inf}.get(value, math.nan) if isinstance(value, str) else value
        )
        if math.isnan(number):
            return self("not known")
        text = self.number(abs(number), digits)
        return (
            text
            if number == 0 or text.startswith("≈") or math.isinf(number)
            else ("+" if number > 0 else "−") + text
        )

    def percent(self, share: float, places: int = 0) -> str:
        """A share of 1 as per cent."""
        if not math.isfinite(share):
            return self.number(share)
        return self("{n}\xa0%", n=self.fixed(100 * share, places))

    @property
    def unreviewed(self) -> tuple[int, int]:
        """Machine-made entries that no speaker has read, and all entries; (0, 0) for English."""
        head = self.catalogue.info()
        return int(head.get("x-unreviewed", 0)), int(head.get("x-entries", 0))


@lru_cache(4096)
def _written(value: float, places: int, language: str) -> str:
    """A number with as many decimal places as a language writes it; a report asks some thousand times, often for the same."""
    from babel import Locale
    from babel.numbers import NumberPattern, parse_pattern

    pattern: NumberPattern = parse_pattern("#,##0" + ("." + "0" * places if places else ""))
    return str(pattern.apply(value, Locale.parse(language)))


def decimals(value: float, digits: int) -> int:
    """Decimal places that show a value with some significant digits; none from 100 on.

    >>> decimals(1234.5, 3), decimals(12.34, 3), decimals(0.001234, 3), decimals(0.0, 3), decimals(7.0, 3)
    (0, 1, 4, 0, 0)
    """
    if value == int(value) or abs(value) >= 100:
        return 0
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 4)


@cache
def words(language: str = "en") -> Words:
    """The words of a language.

    Raises
    ------
    OptionError
        O01 for a language without a catalogue.
    """
    check_choice("language", language, LANGUAGES)
    if language == "en":
        return Words(language, gettext.NullTranslations())
    place = files("permeability") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    with place.open("rb") as stream:
        return Words(language, gettext.GNUTranslations(stream))


def reader_language(environment: Mapping[str, str] | None = None) -> str:
    """The language of whoever looks at a notebook or a terminal.

    Files keep the language that is asked for when they are written; this is for what is shown at once.

    Parameters
    ----------
    environment : mapping, optional
        In place of the variables of the process.

    Returns
    -------
    {"en", "mn", "ru"}
        That of ``PERMEABILITY_LANGUAGE``, else of the first that is set of ``LC_ALL``, ``LC_MESSAGES``, ``LANG``;
        English where there is no catalogue for it.

    Examples
    --------
    >>> reader_language({"LANG": "mn_MN.UTF-8"}), reader_language({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"})
    ('mn', 'en')
    >>> reader_language({"PERMEABILITY_LANGUAGE": "ru", "LANG": "mn_MN.UTF-8"}), reader_language({})
    ('ru', 'en')
    """
    known = os.environ if environment is None else environment
    said = next((known[v] for v in WHERE if known.get(v)), "")
    code = said.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else "en"


def proper_name(row: Mapping[str, Any], tr: Words) -> str:
    """Name of a feature: its ``name_<language>`` where the layer has one, else its ``name``, else its ``id``."""
    for key in (f"name_{tr.language}", "name", "id"):
        value = row.get(key)
        if value is not None and value == value and str(value).strip():
            return str(value) if key == f"name_{tr.language}" else tr.name(value)
    return ""
