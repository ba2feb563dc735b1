"""What a course does by its own calendar: release, collect, mark, hand out; run by cron, as often as one likes.

In: a course, the time. Out: what was due is done, once, and noted in `.saiten/schedule.json`; what comes next. A run
that was missed is caught up by the next one; two at the same time are one.
"""

from saiten.schedule.plan import Planned, Step, due_now, to_come
from saiten.schedule.run import Done, Report, run_schedule
from saiten.schedule.state import Busy, Progress

__all__ = ["Busy", "Done", "Planned", "Progress", "Report", "Step", "due_now", "run_schedule", "to_come"]
