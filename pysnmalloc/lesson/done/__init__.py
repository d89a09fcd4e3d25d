"""What is done: which exercises a check has found right, and since when (§2).

    check ──► note("0.1") ──► pysnmalloc-progress.txt ──► progress() ──► a table of all exercises
                              0.1 2026-11-27

The law: the record never disturbs a check. A folder that cannot be written, a damaged line or a second
notebook costs at most a line of the record. Read ``contents`` first. Left out: proof. The record is a text
file that anybody can edit.

Imported by: checking.

    contents, record, table
"""

from .record import note
from .table import Progress, progress

__all__ = ["Progress", "note", "progress"]
