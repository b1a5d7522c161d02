"""Errors that a person reads: the argument, its value, what was expected."""

from __future__ import annotations


class DeeplinError(Exception):
    """Base class of every error that deeplin raises on purpose; the command line prints its text and exits with 2."""


class InvalidInput(DeeplinError, ValueError):
    """An argument is not what a function can work with.

    >>> raise InvalidInput("decay", -1, "a number >= 0")
    Traceback (most recent call last):
        ...
    theory.errors.InvalidInput: decay: got -1, expected a number >= 0
    """

    def __init__(self, argument: str, value: object, expected: str) -> None:
        super().__init__(f"{argument}: got {value}, expected {expected}")
        self.argument, self.value, self.expected = argument, value, expected
