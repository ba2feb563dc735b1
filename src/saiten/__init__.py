"""Saiten (採点): turns instructor notebooks into student releases and marks what comes back."""

import sys
from importlib.metadata import version

# jsonschema, which nbformat imports, would compile a grammar of international web addresses: a second of every start,
# for a check that no notebook needs. It goes without that module where it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__version__ = version("saiten")
