"""What a statement of ``summary.json`` must be, worked out anew from the draws; and which numbers a sentence may contain."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from permeability.ranking.rank_statistics import ranks

NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?")
LEVEL = {5.0, 95.0}  # "5 to 95 %"


def near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (a != a and b != b)


def value(cell: Any) -> float:
    if isinstance(cell, dict):
        cell = cell["value"]
    return {"inf": math.inf, "-inf": -math.inf}.get(cell, math.nan) if isinstance(cell, str) else float(cell)


def holds_nine_in_ten(drawn, low, high) -> None:
    """A range that is said holds nine draws in ten, and no less than what is needed is cut off at either end."""
    slack = 1e-9 * max(abs(low), abs(high), 1e-300)
    assert ((drawn >= low - slack) & (drawn <= high + slack)).mean() >= 0.9
    assert (drawn < low - slack).mean() <= 0.05
    assert (drawn > high + slack).mean() <= 0.05


class Derivation:
    """Checks every kind of statement about one species against its draws and landscapes."""

    def __init__(self, result: Any, bare_shares: Any = None) -> None:
        self.impact, self.ranking = result.impact, result.ranking
        self.drawn = self.ranking.draws
        self.ids = [s.id for s in self.ranking.sites]
        self.bare_shares = bare_shares

    def first(self) -> int:
        """The candidate with the largest expected gain."""
        return int(np.argmax(self.drawn.gains.mean(axis=0)))

    def check(self, s: dict[str, Any], said: list[dict[str, Any]]) -> None:
        getattr(self, s["statement"])(s, said)

    def apart(self, s, said) -> None:
        best, drawn = self.impact.today.values[s["index"]], self.drawn.today[s["index"]].to_numpy()
        assert near(value(s["value"]), best)
        assert best > 0
        assert near(s["share_at_least_half"], (drawn >= 0.5 * best).mean())
        holds_nine_in_ten(drawn, value(s["low"]), value(s["high"]))

    def whole(self, s, said) -> None:
        drawn = self.drawn.today[s["index"]].to_numpy()
        assert self.impact.today.values[s["index"]] == 0
        assert near(s["share_any"], (drawn > 0).mean())
        assert (drawn > value(s["high"]) * (1 + 1e-9)).mean() <= 0.05

    def lost(self, s, said) -> None:
        today, bare = (c.values[s["index"]] for c in (self.impact.today, self.impact.bare))
        assert near(value(s["value"]), today)
        assert near(value(s["bare"]), bare)
        assert near(value(s["lost"]), 1 - today / bare)
        holds_nine_in_ten(self.drawn.today[s["index"]].to_numpy(), value(s["low"]), value(s["high"]))
        if self.bare_shares is not None:  # one landscape for each draw, built without the code that tells
            holds_nine_in_ten(self.bare_shares[s["index"]], value(s["lost_low"]), value(s["lost_high"]))

    def takes_most(self, s, said) -> None:
        lines = self.impact.lines.set_index("line")["alone_mean_conductance"]
        assert lines[s["line"]] == lines.min() < 0

    def alike(self, s, said) -> None:
        k, r = self.first(), ranks(self.drawn.gains)
        for other in range(len(self.ids)):
            behind = float((r[:, k] < r[:, other]).mean()) > 0.9
            gains = self.drawn.gains[:, other].mean() > 0
            assert (self.ids[other] in s["sites"]) == (not behind and gains), self.ids[other]
        table = self.ranking.table.set_index("id").loc[s["sites"]]
        told = sum(b - a for _, a, b in s["places"])
        assert told <= (table["km_to"] - table["km_from"]).sum() + 1e-6

    def joins(self, s, said) -> None:
        k, g = self.first(), self.drawn.index_gains
        assert s["site"] == self.ids[k]
        joins = (g["pairs_apart"][:, k] > 0) | (g["range_cut_off_km2"][:, k] > 0)
        assert near(s["share"], joins.mean())
        row = self.ranking.table.set_index("id").loc[s["site"]]
        assert [s[f"use{e}"] for e in ("_low", "", "_high")] == [
            row[f"use{e}"] for e in ("_low", "", "_high")
        ]

    def reach(self, s, said) -> None:
        more = self.drawn.index_gains["reachable_km2"][:, self.first()]
        assert s["site"] == self.ids[self.first()]
        assert near(value(s["gain"]), more.mean())
        holds_nine_in_ten(more, value(s["low"]), value(s["high"]))

    def short(self, s, said) -> None:
        cell = self.ranking.land.grid.cell_size / 1000
        assert value(s["length_km"]) == s["cells"] * cell
        assert (self.ranking.table["length_km"] < s["cells"] * cell).any()

    def no_gain(self, s, said) -> None:
        assert s["candidates"] == len(self.ids)
        assert not (self.drawn.gains.mean(axis=0) > 1e-9).any()


def _first(self: Derivation, s: dict[str, Any], said: list[dict[str, Any]]) -> None:
    k = self.first()
    gain = self.drawn.gains[:, k]
    assert s["site"] == self.ids[k]
    assert near(value(s["gain"]), gain.mean())
    holds_nine_in_ten(gain, value(s["low"]), value(s["high"]))
    assert near(s["share_in_top"], (ranks(self.drawn.gains)[:, k] <= s["top"]).mean())
    assert near(s["share_gains"], (gain > 1e-9 * np.abs(self.drawn.gains).max()).mean())


KINDS = {"apart", "whole", "lost", "takes_most", "first", "alike", "joins", "reach", "short", "no_gain"}


def derive(result: Any, said: list[dict[str, Any]], bare_shares: Any = None) -> set[str]:
    """Check all statements about a species; the kinds that were seen."""
    by = Derivation(result, bare_shares)
    for s in said:
        if s["statement"] == "first":
            _first(by, s, said)
        else:
            by.check(s, said)
    return {s["statement"] for s in said}


# ---------------------------------------------------------------- numbers in sentences
def flat(thing: Any) -> Iterator[float]:
    """All numbers of a statement."""
    if isinstance(thing, dict):
        for v in thing.values():
            yield from flat(v)
    elif isinstance(thing, (list, tuple)):
        yield float(len(thing))
        for v in thing:
            yield from flat(v)
    elif isinstance(thing, str):
        yield from [math.inf] if thing == "inf" else []
    elif thing is not None:
        yield float(thing)


def told_numbers(sentence: str) -> list[str]:
    return NUMBER.findall(sentence)


def stray_numbers(sentence: str, statement: Any, *names: str) -> list[str]:
    """Numbers of a sentence that are no number of its statement, rounded as printed; names are left out."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        sentence = sentence.replace(name, " ")
    known = list(flat(statement))
    known += [1 - v for v in known if 0 <= v <= 1]
    known += [a / b for a in known for b in known if b and math.isfinite(a) and math.isfinite(b)]
    out = []
    for text in told_numbers(sentence):
        plain = text.replace(",", "").replace("−", "-")
        n = float(plain)
        places = len(plain.partition(".")[2])
        digits = plain.lstrip("-").replace(".", "")
        zeros = 0 if places else len(digits) - len(digits.rstrip("0"))
        half = 0.5 * 10.0 ** (zeros - places) * (1 + 1e-9)
        fits = any(abs(s * v - abs(n)) <= half for v in map(abs, known) for s in (1.0, 100.0))
        if not (n in LEVEL or fits):
            out.append(text)
    return out
