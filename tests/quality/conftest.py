"""Makes `conjecture_corpus` importable beside the tests of quality."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
