"""Cells of a table as people fill them: numbers, words, years, lists.  What is not understood is said, never guessed.

Every layer of every role is read with these few functions, so that ``1 200,5``, ``"yes"`` and ``1998-05-01`` mean the
same wherever they stand.  Each gives the value and, when the cell cannot be understood, why; an empty cell is no fault.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["is_empty", "read_number", "read_numbers", "read_series", "read_text", "read_word", "read_year"]

EMPTY = frozenset({"-", "–", "—", "n/a", "na", "n.a.", "nan", "null", "none", "<na>", "nat", "#n/a"})
YES = frozenset({"yes", "y", "true", "t", "1", "on", "да", "д", "истина", "тийм", "oui", "ja", "si", "sí"})
NO = frozenset({"no", "n", "false", "f", "0", "off", "нет", "н", "ложь", "үгүй", "non", "nein"})
BLANKS = re.compile(
    "[\u0009\u00a0\u2000-\u200b\u202f\u205f\u3000 ]+"
)  # every blank that programs put between digits
DATES = (
    r"(\d{4})[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ].*)?",  # 1998-05-01 00:00:00
    r"(?:\d{1,2}[-/.])?\d{1,2}[-/.](\d{4})(?: .*)?",  # 31.12.2010
)
LENGTHS = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "м": 1.0,
    "km": 1000.0, "км": 1000.0, "ft": 0.3048, "feet": 0.3048, "mi": 1609.344,
}  # fmt: skip
PER_DAY = re.compile(
    r"(?:v(?:eh(?:icles)?)?\.?|cars|trains|авт\.?|поездов)?\s*(?:/|per|a|in|в)\s*(?:d(?:ay)?\.?|24\s*h|сут(?:ки)?\.?)"
)
NUMBER = re.compile(r"([-+−]?(?:\d[\d.,' ’]*|[.,]\d+)(?:[eE][-+]?\d+)?)(.*)", re.DOTALL)


def is_empty(value: Any) -> bool:
    """Whether a cell of a table is empty: None, NaN, NaT or blank.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_empty(None), is_empty(float("nan")), is_empty(" "), is_empty(0)
    (True, True, True, False)
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    try:
        return bool(value != value)  # NaN, NaT and numpy's NaT are not equal to themselves
    except (TypeError, ValueError):  # pandas' NA answers neither way; arrays and the like are something
        return type(value).__name__ == "NAType"


def read_text(value: Any) -> str | None:
    """A name or id: no blanks around it, whole numbers without a fraction; None when empty.

    Parameters
    ----------
    value : object

    Returns
    -------
    str or None

    Examples
    --------
    >>> read_text(5.0), read_text("5 "), read_text(5), read_text(float("nan"))
    ('5', '5', '5', None)
    """
    if is_empty(value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if not isinstance(value, (str, bool)) and hasattr(value, "__float__") and float(value).is_integer():
        return str(int(value))
    return BLANKS.sub(" ", str(value)).strip()


# ---------------------------------------------------------------- numbers
def read_number(value: Any, unit: str = "", *, comma: str | None = None) -> tuple[float, str]:
    """A cell as a number in the unit of its column, and why it cannot be read (empty when it can).

    Read are blanks, apostrophes and full stops or commas between thousands, decimal commas, and the units of length
    and of traffic.  ``5,000`` may be five or five thousand: it is read only where other cells of the column (``comma``)
    tell.

    Parameters
    ----------
    value : object
    unit : str
        Unit of the column: ``"m"``, ``"km"``, ``"cm"``, ``"1/day"``, ``"USD"``, ``"%"`` for shares, or empty.
    comma : {"decimal", "thousands"}, optional
        What a comma is in this column.

    Returns
    -------
    tuple of float, str
        NaN for an empty cell and for one that cannot be read.

    Examples
    --------
    >>> read_number("1 200,5"), read_number("45 cm", "m"), read_number("")
    ((1200.5, ''), (0.45, ''), (nan, ''))
    >>> read_number("about 1200")
    (nan, 'not a number')
    """
    if is_empty(value) or (isinstance(value, str) and value.strip().casefold() in EMPTY):
        return math.nan, ""
    if isinstance(value, (bool, dt.date)) or type(value).__name__ in ("bool_", "bool", "datetime64"):
        return math.nan, "not a number"
    if not isinstance(value, (str, bytes)):
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            return math.nan, "not a number"
        return (found, "") if math.isfinite(found) else (math.nan, "not a finite number")
    return _from_text(read_text(value) or "", unit, comma)


def _from_text(text: str, unit: str, comma: str | None) -> tuple[float, str]:
    parts = NUMBER.fullmatch(text)
    if parts is None:
        return math.nan, "not a number"
    digits, said = parts[1].replace("−", "-").strip(), parts[2].strip()
    while digits[-1:] in ("'", "’"):
        digits = digits[:-1]
    factor = _factor(said, unit)
    if factor is None:
        return math.nan, f"not a number{f' in {unit}' if unit else ''}"
    plain, why = _plain(digits, comma)
    if why:
        return math.nan, why
    found = float(plain) * factor
    return (found, "") if math.isfinite(found) else (math.nan, "not a finite number")


def _factor(said: str, unit: str) -> float | None:
    """What a number with a unit behind it is to be multiplied by; None for a unit that does not fit."""
    word = said.casefold()
    if unit == "%":
        return {"": 1.0, "%": 0.01}.get(word)
    if not word or word == unit.casefold():
        return 1.0
    if unit in LENGTHS and word in LENGTHS:
        return LENGTHS[word] / LENGTHS[unit]
    if unit == "1/day" and PER_DAY.fullmatch(word):
        return 1.0
    if unit == "USD" and word in ("$", "us$", "usd"):
        return 1.0
    return None


def _plain(digits: str, comma: str | None) -> tuple[str, str]:
    """Digits as Python writes them, and why they cannot be told."""
    whole, exponent, power = digits.partition("e") if "e" in digits else digits.partition("E")
    for blank in (" ", "'", "’"):
        if blank in whole:
            if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:{blank}\d{{3}})+(?:[.,]\d+)?", whole):
                return "", "not one number"
            return whole.replace(blank, "").replace(",", ".") + exponent + power, ""
    if "," in whole and "." in whole:  # the later one parts the decimals
        grouped = "," if whole.rindex(".") > whole.rindex(",") else "."
        decimal = "." if grouped == "," else ","
        if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:\{grouped}\d{{3}})+\{decimal}\d*", whole):
            return "", "not one number"
        return whole.replace(grouped, "").replace(decimal, ".") + exponent + power, ""
    for mark in (",", "."):
        if whole.count(mark) > 1:
            if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:\{mark}\d{{3}})+", whole):
                return "", "not one number"
            return whole.replace(mark, "") + exponent + power, ""
    if re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", whole) and not exponent:
        if comma is None:
            return "", "a comma that may part thousands or decimals"
        whole = whole.replace(",", "." if comma == "decimal" else "")
    elif re.fullmatch(r"[-+]?[1-9]\d{0,2}\.\d{3}", whole) and not exponent and comma == "decimal":
        whole = whole.replace(".", "")
    return whole.replace(",", ".") + exponent + power, ""


def comma_of(values: Iterable[Any]) -> str | None:
    """What a comma is in a column, told by its unmistakable cells: ``"decimal"``, ``"thousands"``, or None.

    >>> comma_of(["5,000", "1200,5"]), comma_of(["5,000", "7.25"]), comma_of(["5,000"])
    ('decimal', 'thousands', None)
    """
    texts = [BLANKS.sub("", v) for v in values if isinstance(v, str)]
    decimal = any(re.search(r"\d\.\d{3},\d|^\D*0,\d|(?<![\d,]),\d|^\D*\d+,(?:\d{1,2}|\d{4,})(?:\D|$)|^\D*\d{4,},\d", t)
                  for t in texts)  # fmt: skip
    point = any(
        re.search(r"\d,\d{3}\.\d|,\d{3},\d{3}|^\D*\d+\.(?:\d{1,2}|\d{4,})(?:\D|$)|^\D*0\.\d", t)
        for t in texts
    )
    if decimal == point:
        return None
    return "decimal" if decimal else "thousands"


def read_numbers(values: Sequence[Any], unit: str = "") -> tuple[list[float], list[str]]:
    """A column of numbers, and for every cell why it cannot be read (empty when it can); see :func:`read_number`.

    Parameters
    ----------
    values : sequence
    unit : str
        Unit of the column.

    Returns
    -------
    tuple of list
        Numbers (NaN where empty or not read) and reasons.

    Examples
    --------
    >>> read_numbers(["1200,5", "5,000", "~7"])
    ([1200.5, 5.0, nan], ['', '', 'not a number'])
    """
    comma = comma_of(values)
    found = [read_number(v, unit, comma=comma) for v in values]
    return [n for n, _ in found], [why for _, why in found]


def read_series(value: Any, unit: str = "") -> tuple[tuple[float, ...], str]:
    """A list of numbers in one cell, with decimal points or commas, and why it cannot be read.

    Parameters
    ----------
    value : object
        ``"0.46 0.65"``, ``"0,46 0,65"``, ``"0,46; 0,65"``, ``"0.46, 0.65"``, ``"[0.46, 0.65]"`` or a sequence.
    unit : str

    Returns
    -------
    tuple of tuple of float, str

    Examples
    --------
    >>> read_series("0,46; 0,65"), read_series("0.46, 0.65"), read_series("0,46")
    (((0.46, 0.65), ''), ((0.46, 0.65), ''), ((0.46,), ''))
    """
    if not isinstance(value, str) and hasattr(value, "__len__"):
        parts: list[Any] = list(value)
    elif is_empty(value):
        return (), ""
    elif not isinstance(value, str):
        parts = [value]
    else:
        text = BLANKS.sub(" ", value).strip("[](){} ;,")
        if ";" in text or "/" in text:
            parts = re.split(r"\s*[;/]\s*", text)
        elif re.search(r",\s|\s,", text):  # a comma with a blank parts two numbers
            parts = re.split(r"\s*,\s+|\s+,\s*", text)
        elif " " in text:
            parts = text.split(" ")
        elif text.count(",") > 1 or ("," in text and "." in text):
            parts = text.split(",")
        else:
            parts = [text]
    found = [read_number(p, unit, comma="decimal") for p in parts]
    why = next((w for _, w in found if w), "")
    return (tuple(n for n, _ in found) if not why else ()), why


# ---------------------------------------------------------------- words and years
def read_word(value: Any, words: Sequence[str]) -> tuple[str | None, str]:
    """A cell as one of the words of a vocabulary, whatever its letter case, and why it is none of them.

    Parameters
    ----------
    value : object
        Text, or a truth value or 1 / 0 where the vocabulary has yes and no.
    words : sequence of str

    Returns
    -------
    tuple of str or None, str

    Examples
    --------
    >>> read_word("Under construction", ["existing", "under_construction"]), read_word(True, ["yes", "no"])
    (('under_construction', ''), ('yes', ''))
    >>> read_word("fense", ["fence"])
    (None, 'not in the vocabulary')
    """
    if is_empty(value):
        return None, ""
    text = re.sub(r"[\s_-]+", "_", (read_text(value) or "").casefold())
    found = {w.casefold(): w for w in words}
    if text in found:
        return found[text], ""
    for name, meant in (("yes", YES), ("no", NO)):
        if name in words and text in meant:
            return name, ""
    if str(value).strip().casefold() in EMPTY:
        return None, ""
    return None, "not in the vocabulary"


def read_year(value: Any) -> tuple[float, str]:
    """A cell as a calendar year, from a number, a date or a text that holds one; and why it is none.

    Parameters
    ----------
    value : object

    Returns
    -------
    tuple of float, str
        NaN for an empty cell and for one that cannot be read.

    Examples
    --------
    >>> read_year("1998-05-01 00:00:00"), read_year(2011.0), read_year("31.12.2010")
    ((1998.0, ''), (2011.0, ''), (2010.0, ''))
    >>> read_year("spring 2031")
    (nan, 'not a year or a date')
    """
    if is_empty(value) or (isinstance(value, str) and value.strip().casefold() in EMPTY):
        return math.nan, ""
    if isinstance(value, dt.date):
        return float(value.year), ""
    if type(value).__name__ == "datetime64":
        return float(str(value)[:4]), ""
    if isinstance(value, (bool, list, tuple, dict)):
        return math.nan, "not a year or a date"
    text = read_text(value) or ""
    if re.fullmatch(r"[-+]?\d+(?:\.0*)?", text):
        return float(text), ""
    for form in DATES:
        found = re.fullmatch(form, text)
        if found:
            return float(found[1]), ""
    return math.nan, "not a year or a date"
