"""Theorems on noise and the rank of the product of a deep linear network (arXiv:1807.08140): one module each."""
