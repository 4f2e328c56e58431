"""Rows copied, a key looked up: what ``a[i:j] = b`` and ``np.searchsorted`` do, compiled in a tenth of the time.

Numba brings a slice of an array in with the whole of its broadcasting, down to how the text of its error is put together.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import inner

ZERO = np.int64(0)  # in place of a literal 0, of which a kernel would be compiled anew


@inner(cache=True, nogil=True)
def copy_row(to, of):
    """``to[: len(of)] = of``.

    Examples
    --------
    >>> to = np.zeros(3)
    >>> copy_row(to, np.array([1.0, 2.0]))
    >>> to.tolist()
    [1.0, 2.0, 0.0]
    """
    for j in range(len(of)):
        to[j] = of[j]


@inner(cache=True, nogil=True)
def copy_rows(to, of):
    """``to[:] = of`` of tables of one shape.

    Examples
    --------
    >>> to = np.zeros((1, 2))
    >>> copy_rows(to, np.array([[1.0, 2.0]]))
    >>> to.tolist()
    [[1.0, 2.0]]
    """
    for i in range(len(of)):
        copy_row(to[i], of[i])


@inner(cache=True, nogil=True)
def place_of(keys, key):
    """First place of sorted ``keys`` at which a key is not smaller: ``np.searchsorted``.

    Examples
    --------
    >>> int(place_of(np.array([1, 3, 3, 5]), 3)), int(place_of(np.array([1, 3]), 4))
    (1, 2)
    """
    low, high = ZERO, np.int64(len(keys))
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@inner(cache=True, nogil=True)
def largest(table):
    """Largest number of a table of whole numbers that is not empty.

    Examples
    --------
    >>> int(largest(np.array([[1, 7], [3, 2]])))
    7
    """
    found = table[0, 0]
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            found = max(found, table[i, j])
    return found
