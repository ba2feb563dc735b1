"""The fake engine for tests on a cluster: a submission may wait until the test lets it go.

In: orders as for `fake_engine`; `{"started": FILE, "until": OTHER}` makes FILE and waits for OTHER. Out: results.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from fake_engine import FakeEngine
from saiten.results import Result
from saiten.submission import Submission


class WaitingEngine(FakeEngine):
    """Does what a submission orders, when it may."""

    def mark(self, submission: Submission) -> Result:
        """Follow the order."""
        what = json.loads(next(iter(submission.notebooks.values())))
        if "started" in what:
            Path(what["started"]).touch()
        while "until" in what and not Path(what["until"]).exists():
            time.sleep(0.02)
        return super().mark(submission)
