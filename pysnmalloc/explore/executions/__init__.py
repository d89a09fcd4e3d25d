"""Executions as graphs, and the memory models that say which of them exist (§2.2, §2.5).

Read ``event`` and ``graph`` first: an execution is events with program order, reads-from
and modification order. A model is a class with one question, whether a graph is
consistent: ``ordered`` has sequential consistency and TSO, ``rc11`` and ``psc`` have
C++11's. To add a model, write such a class and enter it in ``models``.

The modules:

    event, start, graph, ordered, psc, rc11, models
"""
