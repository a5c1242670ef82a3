"""The measurements, with the layer on their path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers" / "valet" / "python"))
