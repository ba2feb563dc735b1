"""What every test run needs: the environment's programs on PATH, as an activated environment has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# nbgrader starts `alembic` by name when it makes a gradebook.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")])
