"""Engines on arrays and edges: least-cost, circuit, moving windows, and their compiled kernels."""
