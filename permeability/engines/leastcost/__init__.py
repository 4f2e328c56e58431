"""Least-cost fields, paths and matrices with barriers on edges; gains of openings."""
