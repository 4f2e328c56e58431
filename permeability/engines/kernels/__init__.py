"""Compiled kernels: arrays in, arrays out.  Nothing here knows of pandas, paths or coordinate systems."""
