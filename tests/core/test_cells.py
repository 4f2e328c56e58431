"""Numbers, words, years and lists as people write them in tables."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from permeability.core.cells import (
    comma_of,
    read_number,
    read_numbers,
    read_series,
    read_text,
    read_word,
    read_year,
)


@pytest.mark.parametrize(
    ("cell", "unit", "number"),
    [
        ("1 200", "", 1200), ("1\u00a0200,5", "", 1200.5), ("1\u202f200", "", 1200), ("1'200.5", "", 1200.5), ("12,5", "", 12.5),
        ("0,45", "m", 0.45), ("1,234.5", "", 1234.5), ("1.234,5", "", 1234.5), ("1,234,567", "", 1_234_567), ("−3", "", -3),
        ("8 km", "m", 8000), ("45 cm", "m", 0.45), ("2 м", "m", 2), ("1,5 km", "km", 1.5), ("5000 veh/d", "1/day", 5000),
        ("40 %", "%", 0.4), ("$ 5", "USD", None), ("5 $", "USD", 5), ("12 US$", "USD", 12), ("12 500 USD", "USD", 12_500), ("12'", "", 12),
        ("1,23.4", "", None), ("1.2.3", "", None), ("12,34,5", "", None), ("5 $", "m", None), ("1e3", "", 1000), (np.int64(7), "", 7), (" 7 ", "", 7),
    ],
)  # fmt: skip
def test_numbers(cell: object, unit: str, number: float | None) -> None:
    found, why = read_number(cell, unit)
    assert bool(why) == (number is None), (cell, found, why)
    assert math.isnan(found) if number is None else found == pytest.approx(number)


@pytest.mark.parametrize(
    "cell",
    [
        "~1200",
        "about 5",
        "5,000",
        "1-2",
        "8 veh",
        "2 3",
        True,
        dt.date(2020, 1, 1),
        math.inf,
        "many",
        "8 m 2",
    ],
)
def test_what_is_no_number_says_so(cell: object) -> None:
    found, why = read_number(cell, "1/day")
    assert math.isnan(found)
    assert why


@pytest.mark.parametrize("cell", [None, "", " ", "-", "n/a", float("nan"), pd.NaT, pd.NA, "NULL"])
def test_empty_cells_are_no_fault(cell: object) -> None:
    assert read_number(cell)[1] == read_year(cell)[1] == read_word(cell, ["yes", "no"])[1] == ""


def test_the_column_tells_what_its_commas_are() -> None:
    assert read_numbers(["5,000", "1200,5"])[0] == [5.0, 1200.5]
    assert read_numbers(["5,000", "1.5"])[0] == [5000.0, 1.5]
    assert read_numbers(["1.200", "12,5"])[0] == [1200.0, 12.5]
    assert read_numbers(["5,000"])[1] == ["a comma that may part thousands or decimals"]
    assert comma_of(["1,5", "1.5"]) is None


@given(st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), st.sampled_from(["", " ", "\u00a0", "\u202f"]))
def test_a_decimal_comma_and_blanks_change_nothing(value: float, blank: str) -> None:
    text = f"{value:,.2f}".replace(",", blank).replace(".", ",")
    assert read_number(text)[0] == pytest.approx(value)


@given(
    st.sampled_from(["yes", "no", "unknown"]),
    st.sampled_from([str.upper, str.title, str.lower, lambda w: f" {w} "]),
)
def test_letter_case_changes_nothing(word: str, change: object) -> None:
    assert read_word(change(word), ["yes", "no", "unknown"]) == (word, "")  # type: ignore[operator]


@pytest.mark.parametrize(("cell", "word"), [("да", "yes"), ("Тийм", "yes"), (True, "yes"), (1, "yes"), ("1.0", None), (1.0, "yes"), ("Үгүй", "no"), (0, "no"), ("нет", "no"), (False, "no")])  # fmt: skip
def test_yes_and_no(cell: object, word: str | None) -> None:
    assert read_word(cell, ["yes", "mostly", "no"])[0] == word


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        ("1998-05-01 00:00:00", 1998), (pd.Timestamp("2010-06-30"), 2010), (dt.date(1877, 1, 2), 1877), (np.datetime64("2011-01-01"), 2011),
        (2011.0, 2011), ("2011.0", 2011), ("31.12.2010", 2010), ("1998/05", 1998), ("05.2031", 2031), ("9999-12-31", 9999), (19560, 19560),
    ],
)  # fmt: skip
def test_years(cell: object, year: int) -> None:
    assert read_year(cell) == (year, "")


@pytest.mark.parametrize("cell", ["spring 2031", "soon", True, "98"])
def test_what_is_no_year(cell: object) -> None:
    found, why = read_year(cell)
    assert why or not 1800 <= found <= 2200


@pytest.mark.parametrize(
    "cell",
    [
        "0.46 0.65 1.1",
        "0,46 0,65 1,1",
        "0,46; 0,65; 1,1",
        "0.46, 0.65, 1.1",
        "[0.46,0.65,1.1]",
        (0.46, 0.65, 1.1),
        "0,46, 0,65, 1,1",
        "46 cm; 65 cm; 110 cm",
    ],
)
def test_lists(cell: object) -> None:
    assert read_series(cell, "m") == (pytest.approx((0.46, 0.65, 1.1)), "")


def test_names() -> None:
    assert [read_text(v) for v in (5, 5.0, "5 ", np.float64(5), "5\u00a0a", None, 5.5)] == [
        "5",
        "5",
        "5",
        "5",
        "5 a",
        None,
        "5.5",
    ]


def test_bytes_of_old_files_are_names_too() -> None:
    assert read_text("Ømnögovi ".encode()) == "Ømnögovi"
    assert read_text(b"fence \xff") == "fence \ufffd"  # not UTF-8: seen, not lost


@pytest.mark.parametrize(
    ("cell", "found"), [(None, ()), (float("nan"), ()), (pd.NA, ()), (5, (5.0,)), (np.float32(0.5), (0.5,))]
)
def test_a_list_of_none_or_one(cell: object, found: tuple[float, ...]) -> None:
    assert read_series(cell, "m") == (found, "")
