"""Numbers: arrays in, Estimate out. Nothing here imports more than numpy, scipy.special, optimize, linalg."""
