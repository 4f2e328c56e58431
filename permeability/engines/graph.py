"""What an engine asks of a landscape: cells, neighbours and barriers on edges; whatever has these is one."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from permeability.engines.kernels.edges import EdgeBarriers


@runtime_checkable
class MovementGraph(Protocol):
    """Cells with a resistance, joined to their neighbours, with barriers on the edges between them."""

    @property
    def resistance(self) -> Any:
        """Resistance of every cell, shape (rows, cols) [dimensionless]."""

    @property
    def neighbours(self) -> int:
        """4, 8 or 16."""

    def edge_barriers(self) -> EdgeBarriers:
        """What barriers add to edges."""


@runtime_checkable
class PlacedGraph(MovementGraph, Protocol):
    """A movement graph whose cells have a place on the map."""

    @property
    def grid(self) -> Any:
        """Where the cells are."""

    def to_xarray(self, values: Any, name: str) -> Any:
        """Values of the cells with their coordinates and coordinate system."""


def parts(
    landscape: Any, barriers: EdgeBarriers | None = None, neighbours: int | None = None
) -> tuple[Any, EdgeBarriers, int]:
    """Cell values, barriers on edges and number of neighbours (8 at most) of an array or a movement graph.

    What is stated goes before what the graph brings.

    >>> values, edges, neighbours = parts([[1.0, 2.0]])
    >>> len(edges.cell), neighbours
    (0, 8)
    """
    if isinstance(landscape, MovementGraph):
        edges = landscape.edge_barriers() if barriers is None else barriers
        return landscape.resistance, edges, neighbours or min(8, landscape.neighbours)
    return landscape, EdgeBarriers.empty() if barriers is None else barriers, neighbours or 8
