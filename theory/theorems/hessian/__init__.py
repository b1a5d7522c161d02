"""Gradient noise and the Hessian spectrum on the valley of global minima (arXiv:1910.00195)."""
