"""What happens on a link: how many survive it, how far they walk on it, and what a deadly line does to it.

The walker goes straight for ``step_km`` on average, then turns any way (exponential straights, in the plane).  With a hazard
``k`` per km walked the chance to get anywhere falls off over straight open ground as ``exp(-m d)``,

    m = sqrt(2 k / step + k^2)                                                  [1/km],

exactly (from ``1 = 1 / sqrt((1 + k step)^2 - (m step)^2)``, the isotropic kernel): a diffusion where ``k step`` is small, the
straight line ``m = k`` where it is large.  A link of a grid of any cell size is then a circle that the walker must leave from its
centre: ``1 / I0(m c)`` of them do (a Brownian walker killed at constant rate; Borodin & Salminen 2002,
doi:10.1007/978-3-0348-8163-0), ``c`` the kilometres of open ground under it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0e, i1e

Floats = NDArray[np.float64]


def decay_per_km(hazard_per_km: ArrayLike, step_km: float) -> Floats:
    """Decay over straight open ground by a hazard per km walked [1/km].

    >>> decay_per_km([0.0, 0.02, 50.0], 1.0).round(4).tolist()
    [0.0, 0.201, 50.9902]
    """
    k = np.asarray(hazard_per_km, np.float64)
    return np.asarray(np.sqrt(k * (2.0 / step_km + k)))


def decay_slope(hazard_per_km: ArrayLike, step_km: float) -> Floats:
    """Derivative of :func:`decay_per_km`: kilometres walked per straight kilometre, >= 1.

    >>> decay_slope([0.02, 50.0], 1.0).round(3).tolist()
    [5.075, 1.0]
    """
    k = np.asarray(hazard_per_km, np.float64)
    return np.asarray((1.0 / step_km + k) / decay_per_km(k, step_km))


def survives(x: ArrayLike) -> Floats:
    """``1 / I0(x)``: share that gets across a link of ``x`` decay lengths.

    >>> survives([0.0, 1.0]).round(6).tolist()
    [1.0, 0.789848]
    """
    x = np.asarray(x, np.float64)
    return np.asarray(np.exp(-x) / i0e(x))


def lost(x: ArrayLike) -> Floats:
    """``1 - 1 / I0(x)`` without cancellation.

    >>> round(float(lost(1e-6)) * 1e13, 9)
    2.5
    """
    x = np.asarray(x, np.float64)
    small = x < 0.5
    y = 0.25 * np.where(small, x, 0.0) ** 2
    series = y * (1 + y / 4 * (1 + y / 9 * (1 + y / 16 * (1 + y / 25 * (1 + y / 36)))))  # I0 - 1
    with np.errstate(over="ignore"):
        return np.where(small, series / (1.0 + series), 1.0 - survives(np.where(small, 0.5, x)))


def log_slope(x: ArrayLike) -> Floats:
    """``I1(x) / I0(x)``: how fast minus ln of the survivors grows with x.

    >>> log_slope([1.0]).round(6).tolist()
    [0.44639]
    """
    x = np.asarray(x, np.float64)
    return np.asarray(i1e(x) / i0e(x))


class DeadlyLine(NamedTuple):
    """What a line that kills some of those who cross it is to a circuit, per metre of line and unit of open ground.

    ``across``: conductance of getting to the other side alive; ``each_side``: leak on both sides [1/m of open ground].
    """

    across: Floats
    each_side: Floats


def deadly_line(cost_m: ArrayLike, killed: ArrayLike, step_m: float) -> DeadlyLine:
    """A line with a crossing cost, at which a share of those who cross dies.

    The walker meets the line, gets through with chance ``p = C0 / (C0 + C)``, ``C0 = (pi / 2) step``, and dies there with chance
    ``q``; partial currents on both sides (Marshak's condition) give, in units of open ground,

        across    = (4 / pi) (2 / step) p (1 - q) / ((2 - 2 p + p q) (2 - p q))
        each side = (2 / pi) (2 / step) p q / (2 - p q)

    so that ``across = 1 / C`` when nothing kills, and a line without any cost still counts how often it is met.

    Parameters
    ----------
    cost_m : array
        Crossing cost C [m of open ground], inf = complete.
    killed : array
        Chance q that a crossing kills.
    step_m : float
        Mean straight of the walk [m].

    Examples
    --------
    >>> line = deadly_line([500.0], [0.0], 1000.0)
    >>> line.across.round(12).tolist(), line.each_side.tolist()
    ([0.002], [0.0])
    """
    cost = np.asarray(cost_m, np.float64)
    q = np.asarray(killed, np.float64)
    free = 0.5 * np.pi * step_m
    p = free / (free + cost)
    refused = np.where(np.isinf(cost), 1.0, cost / np.where(np.isinf(cost), 1.0, free + cost))  # 1 - p
    with np.errstate(divide="ignore"):
        across = (8.0 / (np.pi * step_m)) * p * (1.0 - q) / ((2.0 * refused + p * q) * (2.0 - p * q))
    each = (4.0 / (np.pi * step_m)) * p * q / (2.0 - p * q)
    return DeadlyLine(np.asarray(across), np.asarray(each))


class LineLink(NamedTuple):
    """A link through a line: what joins its ends, and what leaks at each of them."""

    through: Floats
    leak: Floats


def link_through(ground: ArrayLike, across: ArrayLike, each_side: ArrayLike) -> LineLink:
    """A link of conductance ``ground`` cut in its middle by a line; all in the units of the circuit, no subtraction.

    >>> link_through([1.0], [np.inf], [0.0]).through.tolist(), link_through([1.0], [1.0], [0.0]).through.tolist()
    ([1.0], [0.5])
    """
    half = 2.0 * np.asarray(ground, np.float64)
    e, k = np.asarray(across, np.float64), np.asarray(each_side, np.float64)
    even = half + k
    with np.errstate(divide="ignore", invalid="ignore"):
        leak = np.where(half > 0, half * k / np.where(even > 0, even, 1.0), 0.0)
        # through = half^2 e / ((half + 2 e + k) (half + k)), written so that e may be infinite
        through = half * half / (((half + k) / e + 2.0) * even)
    return LineLink(np.where((half > 0) & (e > 0), through, 0.0), leak)
