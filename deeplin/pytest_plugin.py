"""Lets pytest collect conjectures: every `as_test(conjecture)` that a test module assigns to a name is a test of that name.

The module imports nothing of deeplin, so that it costs a pytest run that has no conjectures nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Any:
    """An item for a `ConjectureTest`; anything else is left to pytest."""
    testing = sys.modules.get("deeplin.testing")
    if testing is None or not isinstance(obj, testing.ConjectureTest):
        return None
    return ConjectureItem.from_parent(collector, name=name, test=obj)


class ConjectureItem(pytest.Item):
    """One conjecture, checked when it is run."""

    def __init__(self, *, test: Any, **others: Any) -> None:
        super().__init__(**others)
        self.test = test

    def runtest(self) -> None:
        from deeplin.testing import assert_holds

        assert_holds(self.test.conjecture, self.test.grade, **self.test.options)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The verdict alone where the conjecture failed; the traceback of anything else."""
        return str(excinfo.value) if excinfo.errisinstance(AssertionError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"conjecture {self.name}"
