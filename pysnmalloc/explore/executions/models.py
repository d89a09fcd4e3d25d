"""Memory models: which executions there are (§2.2).

    sc      sequential consistency: po, rf, mo and fr together have no cycle
    tso     x86: a store waits in a buffer, so a later load may overtake it; nothing else moves.
            Cycles of rf between threads, mo, fr and what is left of po are forbidden
    rc11    C++11 as repaired by Lahav and others (RC11, 2017), in which po and rf have no cycle:
            no load buffering. Happens-before comes of release and acquire; per cell, writes and
            reads agree with it; SEQ_CST accesses and fences are in one order besides (psc)

Every rule is about a finished graph, and is checked as the graph grows: what breaks
one can never be mended by adding more. Under ``tso`` a program is compiled in the
usual way: SEQ_CST stores, read-modify-writes and SEQ_CST fences empty the buffer, and
other orders need no instruction. Plain accesses are not compiled but checked: under
``sc`` and ``tso`` every rf orders them, as the hardware would.
"""

from __future__ import annotations

from .graph import Graph
from .ordered import SC, TSO
from .rc11 import RC11

__all__ = ["MODELS", "RC11", "SC", "TSO"]

MODELS: dict[str, type[Graph]] = {"sc": SC, "tso": TSO, "rc11": RC11}
"""The memory models by name, the strongest first."""
