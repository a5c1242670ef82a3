"""`python -m admin`: the program that `admin/valet` starts."""

import sys
from pathlib import Path

# The layer is on Lambda's path, not on an operator's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "valet" / "python"))

from admin.cli import valet
from admin.desk import called

valet(prog_name=called(), complete_var="_VALET_COMPLETE")
