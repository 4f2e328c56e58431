"""Estimates: order, draws, and how they go through functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from permeability.core.errors import OptionError
from permeability.core.estimate import EVIDENCE, Estimate, propagate, weakest

ORDERED = st.lists(st.floats(0.001, 1000.0), min_size=3, max_size=3).map(sorted)


@pytest.mark.parametrize("values", [(2, 1, 3), (1, 3, 2), (float("nan"), 1, 2), (1, "2", 3), (True, 1, 2)])
def test_values_out_of_order_are_refused(values):
    with pytest.raises(OptionError, match=r"\[E01\]"):
        Estimate(*values)


def test_refusals_name_the_cause():
    with pytest.raises(OptionError, match=r"\[E02\].*above zero"):
        Estimate(0.0, 1.0, 2.0, spread="log")
    with pytest.raises(OptionError, match="did you mean 'M-m'"):
        Estimate(1, 2, 3, evidence="M-mm")
    with pytest.raises(OptionError, match=r"\[E03\]"):
        Estimate(1, 2, 3).draw([0.5, 1.5])
    with pytest.raises(OptionError, match=r"\[E04\].*infinite"):
        Estimate(1, 2, float("inf")).draw(0.5)
    with pytest.raises(OptionError, match="did you mean 'best'"):
        Estimate.from_dict({"low": 1, "bst": 2, "high": 3})
    with pytest.raises(OptionError, match=r"\[E01\].*lacks high"):
        Estimate.from_dict({"low": 1, "best": 2})


@settings(deadline=None, max_examples=40)
@given(ORDERED, st.sampled_from(["pert", "log"]))
def test_draws_rise_with_u_and_stay_inside(values, spread):
    estimate = Estimate(*values, spread=spread)
    drawn = estimate.draw(np.linspace(0, 1, 33))
    assert (np.diff(drawn) >= 0).all()
    assert drawn[0] == pytest.approx(estimate.low)
    assert drawn[-1] == pytest.approx(estimate.high)
    assert ((drawn >= estimate.low) & (drawn <= estimate.high)).all()


@settings(deadline=None, max_examples=25)
@given(ORDERED)
def test_pert_mean_and_shape(values):
    """Against the definition: mean (low + 4 best + high) / 6, and scipy's own beta quantiles."""
    low, best, high = values
    if high - low < 1e-3:
        return
    u = np.linspace(0.01, 0.99, 7)
    a, b = 1 + 4 * (best - low) / (high - low), 1 + 4 * (high - best) / (high - low)
    assert Estimate(low, best, high).draw(u) == pytest.approx(
        stats.beta.ppf(u, a, b, low, high - low), rel=1e-6
    )
    mean = integrate.quad(lambda x: float(Estimate(low, best, high).draw(x)), 0, 1, limit=200)[0]
    assert mean == pytest.approx((low + 4 * best + high) / 6, rel=1e-4)


def test_log_draws_are_symmetric_on_the_log_scale():
    estimate = Estimate(10.0, 100.0, 1000.0, spread="log")
    assert float(estimate.draw(0.5)) == pytest.approx(100.0)
    assert float(estimate.draw(0.2) * estimate.draw(0.8)) == pytest.approx(100.0**2)


def test_nan_is_missing_and_exact_numbers_do_not_vary():
    assert np.isnan(Estimate(1, 2, 3).draw([np.nan, 0.5])).tolist() == [True, False]
    assert np.isnan(Estimate.exact(2.0).draw(np.nan))
    assert Estimate.exact(2.0).draw([0.0, 0.7, 1.0]).tolist() == [2.0, 2.0, 2.0]


@settings(deadline=None, max_examples=40)
@given(ORDERED, ORDERED)
def test_propagation_keeps_the_order(a, b):
    up, down = Estimate(*a, evidence="F"), Estimate(*b, evidence="M-l")
    result = propagate(lambda x, y: x / (1 + y), increasing={"x": up}, decreasing={"y": down})
    assert result.low <= result.best <= result.high
    assert result.low == pytest.approx(a[0] / (1 + b[2]))
    assert result.evidence == "M-l"


def test_map_refuses_the_wrong_direction():
    assert Estimate(1, 2, 4).map(lambda x: 1 / x, increasing=False).as_tuple() == (0.25, 0.5, 1.0)
    with pytest.raises(OptionError, match=r"\[E01\]"):
        Estimate(1, 2, 4).map(lambda x: 1 / x)


def test_round_trip_and_text():
    estimate = Estimate(8, 16, 62, "km", "D", "derived", "log")
    assert Estimate.from_dict(estimate.to_dict()) == estimate
    assert estimate.text() == "16 (8-62) km [D]"
    assert Estimate(300, 1500, 3500, "USD", "M-m").text() == "1,500 (300-3,500) USD [M-m]"
    assert [weakest("F", g) for g in EVIDENCE] == list(EVIDENCE)


def test_what_goes_through_a_function_says_where_it_comes_from():
    chance = Estimate(0.2, 0.5, 0.8, "1", "M-m", "an expert")
    cost = chance.map(lambda p: 1 / p, increasing=False, unit="km", source="the chance turned over")
    assert (cost.as_tuple(), cost.unit, cost.source) == ((1.25, 2.0, 5.0), "km", "the chance turned over")
    assert chance.map(lambda p: p / 2).source == "an expert"
