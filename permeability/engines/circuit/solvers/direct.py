"""Direct solvers of a grid system: SuperLU always, CHOLMOD and PARDISO where they can be imported."""

from __future__ import annotations

import importlib.util
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from permeability.core.errors import SolverError
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.solve_report import Solved

Floats = NDArray[np.float64]
SolveFunction = Callable[[Floats], Floats]

REFINEMENTS = 4


@cache
def importable(module: str) -> bool:
    """Whether a library is there and loads; one whose shared objects are missing does not."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return False
    try:
        importlib.import_module(module)
    except (ImportError, OSError):
        return False
    return True


def cholmod_available() -> bool:
    """Whether CHOLMOD can be used (extra ``cholmod``)."""
    return importable("sksparse.cholmod")


def pardiso_available() -> bool:
    """Whether PARDISO can be used (extra ``pardiso``)."""
    return importable("pypardiso")


def symmetric_lu(matrix: sparse.csc_matrix) -> Any:
    """SuperLU in symmetric mode: minimum degree on A'+A and no pivoting, 1.5 to 2 times faster than the
    default."""
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def factor_splu(matrix: sparse.csc_matrix) -> SolveFunction:
    """SuperLU, which is always there."""
    solve: SolveFunction = symmetric_lu(matrix).solve
    return solve


def factor_cholmod(matrix: sparse.csc_matrix) -> SolveFunction:
    """CHOLMOD, supernodal, with approximate minimum degree.

    Raises
    ------
    ArithmeticError
        The matrix is not positive definite, or its factor does not fit.
    """
    from sksparse.cholmod import CholmodError, cholesky

    try:
        factor: SolveFunction = cholesky(matrix, ordering_method="amd")
    except CholmodError as error:
        raise ArithmeticError(str(error)) from error
    return factor


def factor_pardiso(matrix: sparse.csc_matrix) -> SolveFunction:
    """PARDISO for symmetric positive definite matrices (upper half, Cholesky).

    Raises
    ------
    ArithmeticError
        The matrix is not positive definite, or its factor does not fit.
    """
    from pypardiso import PyPardisoSolver
    from pypardiso.pardiso_wrapper import PyPardisoError

    solver: Any = PyPardisoSolver(mtype=2)
    upper = sparse.triu(matrix, format="csr")
    try:
        solver.factorize(upper)
    except PyPardisoError as error:
        solver.free_memory(everything=True)
        raise ArithmeticError(str(error)) from error

    def solve(b: Floats) -> Floats:
        x: Floats = solver.solve(upper, b)
        return x

    weakref.finalize(solve, solver.free_memory, everything=True)  # the library keeps its factor otherwise
    return solve


FACTORS: dict[str, Callable[[sparse.csc_matrix], SolveFunction]] = {
    "splu": factor_splu,
    "cholmod": factor_cholmod,
    "pardiso": factor_pardiso,
}


class DirectSolver:
    """A factorised grid system: one node per cell, one per region, one node of every floating component
    fixed.

    Parameters
    ----------
    system : GridSystem
    active : array of bool, shape (rows, cols)
        Cells whose component carries current.
    kind : {"splu", "cholmod", "pardiso"}
    """

    concurrent = False

    def __init__(self, system: GridSystem, active: NDArray[np.bool_], kind: str = "splu") -> None:
        self.system, self.kind = system, kind
        self.node = system.nodes(active)
        self.size = int(self.node.max(initial=-1)) + 1
        self._solve: SolveFunction | None = None
        if self.size == 0:
            return
        matrix, fixed = self._assemble(active)
        self.free = np.setdiff1d(np.arange(self.size), fixed)
        matrix = matrix[self.free][:, self.free].tocsc()
        if not len(self.free):
            return
        try:
            self._solve = FACTORS[kind](matrix)
        except (RuntimeError, ArithmeticError, ValueError) as error:
            raise SolverError(
                "C05",
                f"{kind} could not factorise the system of {self.size:,} nodes.",
                details={"cause": error},
                remedy='use solver="multigrid", or check the conductances for extreme contrasts',
            ) from error

    def _assemble(self, active: NDArray[np.bool_]) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
        """Laplacian plus leaks over the nodes, and one node of every component that no ground holds."""
        node, first, second, g = self.node, *self.system.link_list()
        a, b = node.reshape(-1)[first], node.reshape(-1)[second]
        degree = np.zeros(self.size)
        inner = (a >= 0) & (b >= 0) & (a != b)
        for here, there in ((a, b), (b, a)):
            keep = (here >= 0) & (here != there)
            degree += np.bincount(here[keep], g[keep], self.size)
        if self.system.leak.size:
            keep_cells = node >= 0
            degree += np.bincount(node[keep_cells], self.system.leak[keep_cells], self.size)
        a, b, g = a[inner], b[inner], g[inner]
        diagonal = np.arange(self.size)
        matrix = sparse.csr_matrix(
            (np.concatenate([-g, -g, degree]), (np.r_[a, b, diagonal], np.r_[b, a, diagonal])),
            shape=(self.size, self.size),
        )
        floating = (node >= 0) & ~self.system.held[self.system.roots]
        roots, nodes = self.system.roots[floating], node[floating]
        # the best linked node: one behind a high resistance would put its voltage on all others, and their
        # rounding
        order = np.argsort(-degree[nodes], kind="stable")
        _, at = np.unique(roots[order], return_index=True)
        return matrix, nodes[order][at].astype(np.int64)

    def solve(self, source: Floats, rtol: float) -> Solved:
        """Voltages of one source raster, refined until the true residual falls no further; refinement
        steps."""
        voltage = np.zeros(self.system.shape)
        if self._solve is None:
            return Solved(voltage, 0)
        best, steps = np.inf, 0
        for step in range(REFINEMENTS + 1):
            trial = voltage + self._correction(source, voltage)
            norm = self.system.residual_norm(source, trial)
            if not norm < best:
                break
            voltage, best, steps = trial, norm, step
            if norm <= 1e-14:
                break
        return Solved(voltage, steps)

    def _correction(self, source: Floats, voltage: Floats) -> Floats:
        assert self._solve is not None
        live = self.node >= 0
        residual = self.system.residual(source, voltage)
        b = np.bincount(self.node[live], residual[live], self.size)
        x = np.zeros(self.size)
        x[self.free] = self._solve(b[self.free].astype(np.float64))
        out = np.zeros(self.system.shape)
        out[live] = x[self.node[live]]
        return out
