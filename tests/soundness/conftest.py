"""Makes the helpers beside the tests of the kernel importable: `certificate_examples` and `certificate_oracle`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
