"""Executions as graphs, and the memory models that say which of them exist (§2.2, §2.5).

Read ``execution`` first: events with program order, reads-from and modification order. ``graph``
adds events to an execution, and ``broken`` holds the errors that end one. ``ordered`` defines
sequential consistency and TSO. ``cpp20`` and ``seqcst`` define C++20's model; ``rc11`` and ``psc``
define that of 2017, for comparison.

To add a memory model, write a subclass of ``Graph`` that answers what a read may return, where a
write may go, and whether the graph is still consistent; then enter it in ``models``.

Imported by: schedules, and all above it.

    event, start, execution, broken, graph, ordered, seqcst, cpp20, psc, rc11, models
"""
