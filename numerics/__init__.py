"""Instances, batched kernels, balls and solvers: the numbers behind the statements of ``theory``."""
