"""Theorems on the alignment of deep linear networks (arXiv:2003.06340): one module each."""
