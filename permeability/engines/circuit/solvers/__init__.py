"""Solvers of one grid circuit: direct, multigrid, condensation; the registry that chooses."""
