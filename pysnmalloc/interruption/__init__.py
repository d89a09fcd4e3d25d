"""Interruption: what may come from outside in the middle of a call, and what holds then (§2.1).

    Ctrl-C, in the main thread           waits until the call is complete
    a time limit, MemoryError, ...       cuts the call off; the allocator refuses every later call
    free by a finalizer or a handler     is kept, and done when the call ends
    malloc by a finalizer or a handler   is refused
    fork, while other threads call       gives up in the child what they were doing

C has only the last: Python runs signal handlers and the collector between two instructions of
a call. Read ``section`` first, which runs a call; ``sigint`` holds Ctrl-C back; ``fork`` holds
locks over a fork.

Imported by: allocator, and the rooms above it.

    sigint, fork, section
"""

from .fork import Rank, held_over_forks
from .section import Keeping, Run, Section, here
from .sigint import interrupted, is_on_stack, undone_by, uninterrupted

__all__ = [
    "Keeping",
    "Rank",
    "Run",
    "Section",
    "held_over_forks",
    "here",
    "interrupted",
    "is_on_stack",
    "undone_by",
    "uninterrupted",
]
