"""From the permeability of a step to the crossing cost.

A step that would cross a line is kappa times as likely as one of the same length that would not.  For an animal without memory whose
steps are exponential with mean ``l``, this is a line whose crossing costs

    ``C = (pi / 2) l (1 - k) / k (1 + 0.85 k - 0.24 k^2)``

within 0.4 % for k from 0.02 to 0.9; a persistent walk has ``l / (1 - mean cosine of turns)``.  Derived in ``docs/tracks.md``; a simulation in
the tests shows it anew.
"""

from __future__ import annotations

import numpy as np


def cost_of_kappa(kappa: float, step_km: float, mean_cos: float = 0.0) -> float:
    """Crossing cost of a line by the permeability of steps.

    ``C = (pi / 2) l (1 - k) / k (1 + 0.85 k - 0.24 k^2)``, ``l = step / (1 - mean cos)``; docs/tracks.md.

    Parameters
    ----------
    kappa : float
        Above 0; from 1 on the line costs nothing.
    step_km : float
        Mean step length [km].
    mean_cos : float
        Mean cosine of turns.

    Returns
    -------
    float
        [km of open ground]; ``inf`` for kappa 0.

    Examples
    --------
    >>> round(cost_of_kappa(0.4, 1.0), 2), cost_of_kappa(1.2, 1.0), cost_of_kappa(0.0, 1.0)
    (3.07, 0.0, inf)
    """
    if not np.isfinite(kappa):
        return float("nan")
    if kappa <= 0:
        return float("inf")
    if kappa >= 1:
        return 0.0
    length = step_km / (1 - mean_cos)
    return float(np.pi / 2 * length * (1 - kappa) / kappa * (1 + 0.85 * kappa - 0.24 * kappa**2))
