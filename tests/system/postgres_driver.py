"""`saiten grade` in a process of its own, with the fake engine: what chaos tests kill, and what loses its database.

Run as `python postgres_driver.py SECONDS ARGUMENTS...`: how long to bear a database that is away, then arguments of
`saiten`.
"""

from __future__ import annotations

import sys
from functools import partial
from unittest.mock import patch

from fake_engine import FakeEngine, make_bundle
from saiten.batch import marking
from saiten.cli import main

if __name__ == "__main__":
    seconds, *arguments = sys.argv[1:]
    with (
        patch("saiten.batch.marking.LOST_SECONDS", float(seconds)),
        patch("saiten.batch.marking.Options", partial(marking.Options, factory=FakeEngine)),
        patch("saiten.batch.freshness.current_bundle", lambda *_: make_bundle()),
    ):
        main(arguments, prog_name="saiten")
