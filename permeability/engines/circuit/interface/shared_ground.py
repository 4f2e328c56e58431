"""Landscapes that differ only in where their barriers lie: boxes cut alike, and what holds no barrier eliminated once for all.

Nested dissection works whatever the cuts.  Cut with a view to the barriers of one of them, such landscapes have most of
their boxes without a barrier in common, and the fronts of such a box are the same to the last bit in all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels.box_cuts import box_tree
from permeability.engines.kernels.edges import GridLinks

Floats = NDArray[np.float64]
Boxes = tuple[NDArray[np.int32], NDArray[np.int32]]

KEPT_BYTES = 64e6  # of results


class BoxResults:
    """Results of boxes without a barrier edge, by their number in the tree and their rim.

    Cells at barriers on the rim wait longer; by the order in which it is left to others, sums are rounded.
    """

    def __init__(self) -> None:
        self.of: dict[tuple[int, bytes], Floats] = {}
        self._bytes = 0

    def add(self, made: Iterable[tuple[tuple[int, bytes], Floats]]) -> None:
        """Keep further results, as long as there is room."""
        for box, result in made:
            if box in self.of:  # another thread was quicker
                continue
            if self._bytes + result.nbytes > KEPT_BYTES:
                return
            self._bytes += result.nbytes
            self.of[box] = result.copy()


class SharedGround:
    """What such landscapes share.

    Parameters
    ----------
    barred : bool array, shape (rows, cols)
        Cells at barrier edges where the barriers lie by best knowledge.  Boxes are cut by these in all the landscapes, so that
        nothing hangs on which of them is made first.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.circuit.interface.interface import Interface
    >>> from permeability.engines.kernels.edges import grid_links
    >>> ground = SharedGround(np.zeros((1, 6), bool))
    >>> links, where = grid_links(np.ones((1, 6))), {"cuts": ([0], [0], [1.0]), "crossing": [10.0], "patches": [0, 5], "form": "layers"}
    >>> faces = [Interface.build(links, edges=([cell], [0]), ground=ground, **where) for cell in (1, 3)]
    >>> [face.resistances().round(6)[0, 1].item() for face in faces]
    [15.0, 15.0]
    """

    def __init__(self, barred: NDArray[np.bool_]) -> None:
        self._barred = barred
        self._lock = threading.Lock()
        self._boxes: tuple[bytes, Boxes] | None = None
        self._links: tuple[list[Floats], NDArray[np.int32]] | None = None
        self._results = BoxResults()

    def boxes(self, node: NDArray[np.int32], leaf: int) -> Boxes:
        """Where boxes are cut (:func:`permeability.engines.kernels.box_cuts.box_tree`).

        Parameters
        ----------
        node : int array, shape (rows, cols)
        leaf : int
        """
        own = np.packbits(node.ravel() == np.arange(node.size)).tobytes()  # all that is asked of the numbers
        with self._lock:
            if self._boxes is None:
                self._boxes = own, box_tree(node, self._barred, leaf)
            if self._boxes[0] == own:
                return self._boxes[1]
        return box_tree(node, self._barred, leaf)

    def results_on(self, links: GridLinks, node: NDArray[np.int32]) -> BoxResults | None:
        """Known results of boxes without a barrier edge; None where links or nodes are others than in the first landscape.

        Parameters
        ----------
        links : GridLinks
            Without the barrier edges' barriers.
        node : int array, shape (cells,)
        """
        planes = [np.asarray(p, dtype=np.float64) for p in links]
        with self._lock:
            if self._links is None:
                self._links = planes, node
            known = self._links
        same = np.array_equal(known[1], node) and all(map(np.array_equal, known[0], planes))
        return self._results if same else None
