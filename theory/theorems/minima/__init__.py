"""Exact global minima with weight decay and stochastic neurons (arXiv:2202.04777)."""
