"""Conductance between two patches: the one place where an effective resistance becomes one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.possible import require_resistances


def pair_conductance(resistance: ArrayLike) -> NDArray[np.float64]:
    """1 / effective resistance; 0 for a pair that is apart, and for a patch with itself.

    Parameters
    ----------
    resistance : array
        Effective resistances of any shape [dimensionless]; inf without a path.

    Raises
    ------
    SolverError
        [S25] a resistance below zero or none at all, which would count as a pair apart.

    Returns
    -------
    array
        Of the same shape [dimensionless].

    Examples
    --------
    >>> pair_conductance([4.0, np.inf, 0.0]).tolist()
    [0.25, 0.0, 0.0]
    """
    r = np.asarray(resistance, float)
    require_resistances(r)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(r > 0, 1.0 / r, 0.0))
