"""Whether the cells of a grid can be held in memory at all."""

from __future__ import annotations

from permeability.core import memory
from permeability.core.errors import MemoryLimitError
from permeability.layers.grid import Grid

__all__ = ["require_grid_memory"]

MOST_TOLD = 10**24  # bytes; what is more is not told more exactly
LEAST_BYTES = (
    88  # of a cell: links, and the fields of a solve, as `plan` counts them for no patch and no valid cell
)


def require_grid_memory(grid: Grid) -> None:
    """Refuse a grid whose cells do not fit into what is free for this process.

    Parameters
    ----------
    grid : Grid

    Raises
    ------
    MemoryLimitError
        M02.

    Examples
    --------
    >>> require_grid_memory(Grid.from_bounds((0, 0, 5000, 5000), cell_size=1000, crs="EPSG:32648"))
    """
    cells = grid.shape[0] * grid.shape[1]
    need, free = LEAST_BYTES * cells, memory.available()
    if need > free:
        raise MemoryLimitError(
            "M02", f"a grid of {grid.shape[0]:,} x {grid.shape[1]:,} cells needs {min(need, MOST_TOLD) / 1e9:,.0f} GB and more; {free / 1e9:,.1f} GB are free.",
            remedy="give a larger cell_size_m or smaller bounds, or use a machine with more memory",
        )  # fmt: skip
