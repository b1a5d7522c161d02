"""The example that trains a torch network and plots what happens."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch")
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_and_watch.py"


def test_training_from_a_small_start_aligns_the_layers(tmp_path):
    seen = runpy.run_path(str(EXAMPLE))["main"](["--steps", "150", "--plot", str(tmp_path / "out.png")])
    assert (tmp_path / "out.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert seen["loss"][-1] < seen["loss"][0] / 10
    assert seen["alignment residual"][-1] < seen["alignment residual"][0] / 5
    start, end = seen["balancedness defect"][0], seen["balancedness defect"][-1]
    assert abs(end - start) < 0.1 * start
