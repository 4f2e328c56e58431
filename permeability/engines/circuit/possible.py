"""What an answer of a circuit can be: one guard for every solver and mode, so that rounding and nodata never pass as results.

Resistances are numbers above or equal to 0, in one network they obey the triangle inequality (resistance is a distance;
Klein & Randic 1993, doi:10.1007/BF01164627), and no node conducts more than its own links together.  Currents are not
negative and no cell carries more than what entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import SolverError
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]

SLACK = 1e-6  # relative; far above the residual of any solve, far below what a lost contrast does
REMEDY = "look for cells that hold nodata as a number (such as 3.4e38); for contrasts beyond 1e15 use solver='condensation'"
OPEN_SLACK = 1e-5  # relative; two solves are compared here
TRIPLES = 400  # nodes up to which every triple is looked at


def require_resistances(
    resistance: ArrayLike,
    ids: Sequence[Any] | NDArray[Any] | None = None,
    *,
    one_network: bool = False,
    leaving: ArrayLike | None = None,
    missing: bool = False,
    details: dict[str, Any] | None = None,
) -> None:
    """Refuse effective resistances that cannot be.

    Parameters
    ----------
    resistance : array, shape (..., P, P), or any other where neither ids nor network are given
        [dimensionless]; inf = no path.
    ids : sequence, optional
        Names of the P nodes, for the message.
    one_network : bool
        Whether all pairs were taken from one network, so that no way round is shorter.
    leaving : array, shape (P,), optional
        Summed conductance of the links that leave each node [dimensionless].
    missing : bool
        Whether NaN stands for pairs that nobody asked for.
    details : dict, optional
        For the message.

    Raises
    ------
    SolverError
        [S25] below zero or not a number; a pair farther apart than a way round; more conductance than links.

    Examples
    --------
    >>> require_resistances([[0.0, 2.0], [2.0, 0.0]], ["W", "E"])
    >>> require_resistances([[0.0, -1.0], [-1.0, 0.0]], ["W", "E"])
    Traceback (most recent call last):
    ...
    permeability.core.errors.SolverError: SolverError [S25]: ...
    """
    r = np.asarray(resistance, float)
    _refuse(
        r,
        (r < 0) | (np.isnan(r) & (not missing)),
        ids,
        "an effective resistance came out below zero, which cannot be.",
        details,
    )
    if r.ndim < 2 or r.shape[-1] != r.shape[-2]:
        return
    if leaving is not None and r.ndim == 2:
        with np.errstate(divide="ignore"):
            least = 1.0 / np.asarray(leaving, float)
        under = r < np.maximum(least[:, None], least[None]) * (1 - SLACK)
        np.fill_diagonal(under, False)
        text = "a pair of nodes conducts more than the links of one of them together, which cannot be."
        _refuse(r, under & (r > 0), ids, text, details)
    if one_network and r.ndim == 2 and len(r) <= TRIPLES:
        text = "a pair of nodes is farther apart than by way of a third, which cannot be."
        _refuse(r, _farther_than_round(r), ids, text, details)


def require_no_easier(
    found: ArrayLike, bare: ArrayLike, ids: Sequence[Any] | NDArray[Any], what: str, case: str
) -> None:
    """Refuse pairs that a landscape with barriers joins better than the same ground without them.

    Conductance never rises when links are taken away or weakened (Rayleigh's law; Doyle & Snell 1984,
    doi:10.5948/UPO9781614440222), and no way becomes shorter.

    Parameters
    ----------
    found, bare : array, shape (P, P)
        Effective resistance [dimensionless] or cost [m of open ground] with barriers and without; inf = no path.
    ids : sequence
        Names of the P nodes.
    what : str
        Which of the two, for the message.
    case : str
        Which barriers stand.

    Raises
    ------
    SolverError
        [S25]

    Examples
    --------
    >>> pair = np.array([[0.0, 2.0], [2.0, 0.0]])
    >>> require_no_easier(pair, pair, ["W", "E"], "resistance", "only F")
    >>> require_no_easier(pair, 2 * pair, ["W", "E"], "resistance", "only F")
    Traceback (most recent call last):
    ...
    permeability.core.errors.SolverError: SolverError [S25]: ...
    """
    with_them, without = np.asarray(found, float), np.asarray(bare, float)
    lower = np.triu(with_them < without * (1 - OPEN_SLACK), 1)
    text = f"the {what} between places is lower with barriers than on the same ground without any, which cannot be."
    _refuse(with_them, lower, ids, text, {"barriers": case})


def leaving(links: GridLinks, cells: Sequence[NDArray[np.int64]]) -> Floats:
    """Summed conductance of the links of every node of one cell, shape (P,); inf for nodes of several cells.

    Parameters
    ----------
    links : GridLinks
    cells : sequence of int arrays
        Flat cells of every node.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import grid_links
    >>> leaving(grid_links(np.ones((1, 3))), [np.array([1])]).tolist()
    [2.0]
    """
    cols = links.shape[1]
    out = np.full(len(cells), np.inf)
    for node in (n for n, held in enumerate(cells) if len(held) == 1):
        r, c = divmod(int(cells[node][0]), cols)
        total = 0.0
        for k, plane in enumerate(links):
            back = (r - int(D_ROW[k]), c - int(D_COL[k]))
            total += float(plane[r, c])
            if back[0] >= 0 and 0 <= back[1] < cols:
                total += float(plane[back])
        out[node] = total
    return out


def _farther_than_round(r: Floats) -> NDArray[np.bool_]:
    """Pairs whose resistance is above that of a way over a third node, beyond rounding."""
    known = np.where(np.isnan(r), np.inf, r)
    far = np.zeros(r.shape, bool)
    scale = float(np.max(known, initial=0.0, where=np.isfinite(known)))
    for k in range(len(r)):
        way = known[:, k, None] + known[None, k]
        far |= np.isfinite(way) & ~np.isnan(r) & (r > way * (1 + SLACK) + 1e-10 * scale)
    return far


def _refuse(r: Floats, bad: NDArray[np.bool_], ids: Any, text: str, details: dict[str, Any] | None) -> None:
    if not bad.any():
        return
    at = np.argwhere(bad)[:5]
    pairs = ids is not None and r.ndim == 2
    named = (
        [f"{ids[i]}-{ids[j]}: {r[i, j]:.3g}" for i, j in at] if pairs else [f"{r[tuple(i)]:.3g}" for i in at]
    )
    raise SolverError("S25", text, rows=named, details=details, remedy=REMEDY)


def require_currents(current: Any, what: str, *, most: float | None = None) -> None:
    """Refuse a map of currents that cannot be.

    Parameters
    ----------
    current : array or None
        [A]; NaN outside the landscape must have been left out.
    what : str
        Of the map, for the message.
    most : float, optional
        What entered [A].

    Raises
    ------
    SolverError
        [S26]

    Examples
    --------
    >>> require_currents(np.array([0.0, 1.0]), "map of 1 A", most=1.0)
    >>> require_currents(np.array([0.0, 1.5]), "map of 1 A", most=1.0)
    Traceback (most recent call last):
    ...
    permeability.core.errors.SolverError: SolverError [S26]: ...
    """
    if current is None:
        return
    values = np.asarray(current, float)
    top = float(np.nanmax(values, initial=0.0))
    bad = ~np.isfinite(values) | (values < -SLACK * max(top, 1e-300))
    if most is not None:
        bad |= values > most * (1 + SLACK)
    if bad.any():
        held = "" if most is None else f" or more than the {most:.6g} A that entered"
        raise SolverError(
            "S26",
            f"the {what} holds cells with no number, less than nothing{held}.",
            rows=[tuple(int(v) for v in i) for i in np.argwhere(bad)[:5]],
            details={"cells": int(bad.sum())},
            remedy="look for cells that hold nodata as a number (such as 3.4e38); for contrasts beyond 1e15 use solver='multigrid'",
        )
