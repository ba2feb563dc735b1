"""The ledger: every result ever computed, so that nothing is marked twice and a killed run goes on where it was.

In: a SQLAlchemy engine of the gradebook's database, and results. Out: the table `saiten_ledger`, results by key.
One row for each (bundle, submission, engine, student, assignment); each finished result is one transaction.
"""

from saiten.ledger.book import Known, Ledger
from saiten.ledger.history import Entry, history, not_marked
from saiten.ledger.notes import in_gradebook, note_in_gradebook
from saiten.ledger.pruning import Pruned, prune
from saiten.ledger.table import TABLE, Key

__all__ = [
    "TABLE",
    "Entry",
    "Key",
    "Known",
    "Ledger",
    "Pruned",
    "history",
    "in_gradebook",
    "not_marked",
    "note_in_gradebook",
    "prune",
]
