"""Property tests are seeded, and are not judged by how busy the machine is; of the thorough tests a sample runs.

Without `--thorough`, one case of each parametrised thorough test runs, and none of those that are one long run: each of them
has a short twin beside it. A test that is named with `::` always runs.
"""

from __future__ import annotations

from collections import defaultdict
from zlib import crc32

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
    cases = defaultdict(list)
    for item in items:
        if item.get_closest_marker("thorough"):
            cases[item.nodeid.partition("[")[0]].append(item)
    sample = {min(found, key=lambda x: crc32(x.nodeid.encode())) for found in cases.values() if hasattr(found[0], "callspec")}
    left_out = [x for found in cases.values() for x in found if x not in sample]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [x for x in items if x not in left_out]
