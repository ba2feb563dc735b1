"""The marking service in a process of its own, to be killed: `python hub_driver.py COURSE`. It says when it is open."""

from __future__ import annotations

import sys
import time
from pathlib import Path


def main() -> None:
    """Serve until somebody ends this process."""
    from saiten.course import Course
    from saiten.hub.desk import MarkingDesk

    with MarkingDesk.open(Course.find(Path(sys.argv[1])), workers=2):
        print("open", flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
