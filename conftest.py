"""Property tests are seeded, and are not judged by how busy the machine is; of the thorough tests a sample runs.

Without `--thorough`, the first case of each parametrised thorough test runs, and none of those that are one long run: each of
them has a short twin beside it. A test that is named with `::` always runs.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("deeplin", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("deeplin")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run all thorough tests, not a sample of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is not in the sample; the same in every process and every run."""
    if config.getoption("thorough") or any("::" in str(name) for name in config.args):
        return
    seen, left_out = set[str](), list[pytest.Item]()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if item.get_closest_marker("thorough") and (name in seen or not hasattr(item, "callspec")):
            left_out.append(item)
        seen.add(name)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [x for x in items if x not in left_out]
