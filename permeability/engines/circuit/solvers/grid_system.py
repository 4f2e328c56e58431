"""One circuit on a grid: links, leaks, grounds, shorted regions, and what is connected with what."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import PatchError, ResistanceError
from permeability.engines.kernels.current import rounding_square, true_residual
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks
from permeability.engines.kernels.multigrid_components import component_roots

Floats = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
SUM_TOLERANCE = 1e-10  # a floating component's sources may sum to this share of their absolute sum


class GridSystem:
    """The linear system ``(L + leak) v = sources`` on a grid, ideal grounds held at 0, regions shorted.

    Parameters
    ----------
    links : GridLinks
        Conductances, four (rows, cols) planes, 0 = no link.
    leak : array, shape (rows, cols), optional
        Conductance of every cell to ground [dimensionless], finite, >= 0.
    ground : array of bool, shape (rows, cols), optional
        Cells held at voltage 0.
    regions : array of int, shape (rows, cols), optional
        Cells of one positive label are one node, touching or not; 0 = none.

    Raises
    ------
    ResistanceError
        [C01] planes of different shapes, negative, NaN or infinite conductances.
    """

    def __init__(
        self,
        links: GridLinks,
        *,
        leak: ArrayLike | None = None,
        ground: ArrayLike | None = None,
        regions: ArrayLike | None = None,
    ) -> None:
        self.links = check_links(links)
        self.shape = self.links.shape
        self.leak = np.zeros((0, 0)) if leak is None else self._checked_leak(leak)
        self.ground = None if ground is None else self.plane(ground, "ground").astype(bool, copy=False)
        self.regions = np.zeros((0, 0), np.int32) if regions is None else self._compact(regions)
        self._alone: tuple[int, NDArray[np.bool_]] | None = None  # the last component asked for by itself
        if self.regions.size and self.ground is not None:
            grounded = np.isin(self.regions, np.unique(self.regions[self.ground & (self.regions > 0)]))
            self.ground = self.ground | (grounded & (self.regions > 0))

    def plane(self, values: ArrayLike, name: str) -> NDArray[Any]:
        """The values as a contiguous array, refused when they do not have the shape of the grid."""
        array = np.ascontiguousarray(values)
        if array.shape != self.shape:
            raise ResistanceError(
                "C01",
                f"{name} has shape {array.shape}, the links have {self.shape}.",
                remedy="bring every raster to the grid of the resistance",
            )
        return array

    def _checked_leak(self, leak: ArrayLike) -> Floats:
        array = np.ascontiguousarray(self.plane(leak, "leak"), dtype=np.float64)
        bad = ~(np.isfinite(array) & (array >= 0))
        if bad.any():
            raise ResistanceError(
                "C01",
                f"{int(bad.sum()):,} cells have a negative or non-finite conductance to ground.",
                remedy="use 0 for no ground, and ground=mask for an ideal one",
            )
        return array

    def _compact(self, regions: ArrayLike) -> NDArray[np.int32]:
        array = self.plane(regions, "regions")
        with np.errstate(invalid="ignore"):
            positive = array > 0
        out = np.zeros(self.shape, np.int32)
        if positive.any():
            out[positive] = np.unique(array[positive], return_inverse=True)[1] + 1
        return out

    @cached_property
    def roots(self) -> NDArray[np.int32]:
        """Flat index of the first cell of every cell's component; its name."""
        links = self.links
        roots: NDArray[np.int32] = component_roots(*links, self.regions)
        return roots

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """For every possible root: whether its component has a ground, finite or ideal."""
        held = np.zeros(self.roots.size, bool)
        if self.leak.size:
            held[self.roots[self.leak > 0]] = True
        if self.ground is not None:
            held[self.roots[self.ground]] = True
        return held

    def checked_sources(self, source: Floats) -> tuple[Floats, NDArray[np.int32]]:
        """Sources as they enter the equations, and the roots of the components that carry current.

        Those of a region are summed on its first cell, those on ideal grounds are gone, and the rounding
        of floating
        components is taken out.

        Raises
        ------
        PatchError
            [C02] NaN in the sources; [C03] a component without ground whose sources do not sum to zero.
        """
        if np.isnan(source).any():
            raise PatchError(
                "C02",
                f"the sources hold {int(np.isnan(source).sum()):,} NaN cells.",
                remedy="use 0 where nothing enters",
            )
        if self.regions.size or self.ground is not None:
            source = _apart(source)
            if self.ground is not None:
                source[self.ground] = 0.0
            if self.regions.size:
                self.gather(source)
        rows, cols = np.nonzero(source)
        at = self.roots[rows, cols]
        roots, inverse = np.unique(at, return_inverse=True)
        amperes = source[rows, cols]
        total, size = np.bincount(inverse, amperes), np.bincount(inverse, np.abs(amperes))
        floating = ~self.held[roots]
        broken = floating & (np.abs(total) > SUM_TOLERANCE * size)
        if broken.any():
            where = [divmod(int(r), self.shape[1]) for r in roots[broken]]
            raise PatchError(
                "C03",
                f"{int(broken.sum()):,} component(s) without a ground have sources that do not sum to zero: "
                "the current cannot leave.",
                rows=where,
                remedy="ground each of them, or let its sources sum to zero",
            )
        if np.any(floating & (total != 0.0)):
            source = _apart(source)
            scale = np.where(floating, total / size, 0.0)
            source[rows, cols] -= scale[inverse] * np.abs(amperes)
        return source, roots.astype(np.int32)

    def active(self, roots: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Cells that belong to one of these components."""
        member = np.zeros(self.roots.size, bool)
        member[roots] = True
        cells: NDArray[np.bool_] = member[self.roots]
        self._alone = (int(roots[0]), cells) if len(roots) == 1 else None
        return cells

    def forget_roots(self) -> None:
        """Let go of the components' names, for a solver that is short of memory; they are found again when asked for."""
        if "roots" in self.__dict__:
            _ = self.held  # all that solves still need of them
            del self.roots

    def nodes(self, active: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Node number of every active cell that is not grounded, -1 elsewhere; one number for a region."""
        free = active if self.ground is None else active & ~self.ground
        node = np.full(self.shape, -1, np.int32)
        if not self.regions.size:
            node[free] = np.arange(int(free.sum()), dtype=np.int32)
            return node
        plain = free & (self.regions == 0)
        count = int(plain.sum())
        node[plain] = np.arange(count, dtype=np.int32)
        shorted = free & (self.regions > 0)
        if shorted.any():
            node[shorted] = count + np.unique(self.regions[shorted], return_inverse=True)[1]
        return node

    def link_list(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """All links as flat first cell, flat second cell and conductance."""
        return link_list(self.links)

    def residual(self, source: Floats, voltage: Floats) -> Floats:
        """``sources - (L + leak) v``; 0 on ideal grounds; the sum of a region on its first cell."""
        out = np.empty(self.shape)
        true_residual(*self.links, self.leak, source, voltage, out)
        if self.ground is not None:
            out[self.ground] = 0.0
        if self.regions.size:
            self.gather(out)
        return out

    def residual_norm(self, source: Floats, voltage: Floats) -> float:
        """Norm of the true residual relative to the norm of the sources."""
        scale = float(np.linalg.norm(source))
        return float(np.linalg.norm(self.residual(source, voltage))) / scale if scale > 0 else 0.0

    def rounding_floor(self, voltage: Floats) -> float:
        """Norm of a residual that rounding alone can leave with these voltages, not relative.

        Where a source of 1 A sits behind a resistance of 1e9, voltages of 1e9 leave ``eps 1e9`` on good
        ground.
        """
        return 4.0 * EPSILON * float(np.sqrt(rounding_square(*self.links, self.leak, voltage)))

    @cached_property
    def region_cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Flat cells in regions, the region (from 0) of each, and the first cell of every region."""
        cells = np.flatnonzero(self.regions)
        label = self.regions.reshape(-1)[cells].astype(np.int64) - 1
        first = cells[np.unique(label, return_index=True)[1]] if len(cells) else cells
        return cells, label, first

    def gather(self, plane: Floats) -> None:
        """Move the sum over every region to its first cell, in place."""
        cells, label, first = self.region_cells
        flat = plane.reshape(-1)
        sums = np.bincount(label, flat[cells])
        flat[cells] = 0.0
        flat[first] = sums

    def centre(self, voltage: Floats, roots: NDArray[np.int32]) -> None:
        """Let the voltages of every floating component among ``roots`` average to zero over its cells, in
        place."""
        alone = self._alone
        for root in roots[~self.held[roots]]:
            cells = alone[1] if alone is not None and alone[0] == root else self.roots == root
            voltage[cells] -= voltage[cells].mean()


def _apart(source: Floats) -> Floats:
    """A copy that takes memory only where there is a source: pages of zeros that nobody writes to are not there."""
    out, at = np.zeros(source.shape), np.flatnonzero(source)
    out.reshape(-1)[at] = source.reshape(-1)[at]
    return out


def check_links(links: GridLinks) -> GridLinks:
    """Contiguous float64 planes of one shape, finite and not negative; links over the rim are refused."""
    planes = [np.ascontiguousarray(p, dtype=np.float64) for p in links]
    shapes = {p.shape for p in planes}
    if len(shapes) != 1 or planes[0].ndim != 2 or planes[0].size == 0:
        raise ResistanceError(
            "C01",
            f"the link planes have shapes {[p.shape for p in planes]}.",
            remedy="give four (rows, cols) planes of one non-empty grid, as grid_links returns them",
        )
    e, s, se, sw = planes
    outside = (
        e[:, -1].any() or s[-1].any() or se[-1].any() or se[:, -1].any() or sw[-1].any() or sw[:, 0].any()
    )
    low, high = min(float(p.min()) for p in planes), max(float(p.max()) for p in planes)
    if outside or not (low >= 0 and np.isfinite(high)):
        raise ResistanceError(
            "C01",
            "link conductances must be finite and not negative, and no link may leave the grid.",
            details={"smallest": low, "largest": high},
            remedy="build the planes with pm.circuit.grid_links",
        )
    return GridLinks(*planes)


def link_list(links: GridLinks) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """All links of positive conductance as flat first cell, flat second cell and conductance."""
    cols = links.shape[1]
    first, second, g = [], [], []
    for k, plane in enumerate(links):
        at = np.flatnonzero(plane)
        first.append(at)
        second.append(at + int(D_ROW[k]) * cols + int(D_COL[k]))
        g.append(plane.reshape(-1)[at])
    return np.concatenate(first), np.concatenate(second), np.concatenate(g)
