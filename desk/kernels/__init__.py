"""Numba kernels: arrays in, arrays out; the only floor that imports numba."""
