"""Resistances that can be used: positive and finite, NaN outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import ResistanceError
from permeability.layers.grid import cells_in_words

__all__ = ["check_resistance"]


def check_resistance(
    resistance: NDArray[np.float64], shape: tuple[int, int] | None = None, *, layer: str | None = None
) -> NDArray[np.float64]:
    """A float64 copy of a resistance surface that can be used; as every landscape holds it.

    Parameters
    ----------
    resistance : array
        Cost of one metre [dimensionless, > 0]; NaN = outside.
    shape : tuple[int, int], optional
        Rows and columns it must have.
    layer : str, optional
        Name used in messages.

    Returns
    -------
    array
        A copy that cannot be written to.

    Raises
    ------
    ResistanceError
        R01 zero, negative or infinite resistances, R02 no valid cell, R03 another shape.

    Examples
    --------
    >>> check_resistance([[1.0, float("nan")]]).tolist()
    [[1.0, nan]]
    >>> check_resistance([[1.0, 0.0]])
    Traceback (most recent call last):
    ...
    permeability.core.errors.ResistanceError: ResistanceError [R01]: resistances must be positive and finite.
    ...
    """
    r = np.array(resistance, dtype=np.float64)
    if r.ndim != 2 or (shape is not None and r.shape != shape):
        raise ResistanceError(
            "R03",
            f"the resistance has shape {r.shape}, the grid {shape}.",
            layer=layer,
            remedy="align it with the grid",
        )
    zero, negative, infinite = int((r == 0).sum()), int((r < 0).sum()), int(np.isinf(r).sum())
    if zero or negative or infinite:
        raise ResistanceError(
            "R01",
            "resistances must be positive and finite.",
            layer=layer,
            rows=cells_in_words(r, (r <= 0) | np.isinf(r)),
            details={
                "zero": f"{zero:,} cells",
                "negative": f"{negative:,} cells",
                "infinite": f"{infinite:,} cells",
            },
            remedy="use NaN (nodata) for cells that cannot be entered and values above 0 elsewhere",
        )
    if not np.isfinite(r).any():
        raise ResistanceError(
            "R02",
            "the resistance has no valid cell.",
            layer=layer,
            remedy="check the mask and the habitat layers",
        )
    r.setflags(write=False)
    return r
