"""Memory models, which define the executions that exist (§2.2).

    sc      sequential consistency: po, rf, mo and fr together have no cycle
    tso     x86: a store waits in a buffer, so later loads may overtake it; no other accesses are
            reordered. Rf between threads, mo, fr and the rest of po together have no cycle
    cpp20   C++20, with one rule more: po and rf have no cycle, which excludes load buffering.
            Release and acquire create happens-before, and the writes and reads of each cell
            agree with it. SEQ_CST accesses and fences have one order. The default
    rc11    C++11 as repaired by Lahav and others (RC11, 2017). Later stores of a thread continue
            its release sequences, and the order of SEQ_CST (psc) has fewer steps

Each model allows what those before it allow, except that neither of the last two allows all
that the other one does. Every rule concerns a complete graph, but is checked as the graph grows, since adding
events cannot repair a violation. Under ``tso``, a program is compiled as usual: SEQ_CST
stores, read-modify-writes and SEQ_CST fences empty the buffer, and other orders need no
instruction. Plain accesses are not compiled, but checked for data races. Under ``sc``
and ``tso``, every rf between atomic accesses creates happens-before, as on hardware.
"""

from __future__ import annotations

from .cpp20 import CPP20
from .graph import Graph
from .ordered import SC, TSO
from .rc11 import RC11

__all__ = ["CPP20", "MODELS", "RC11", "SC", "TSO"]

MODELS: dict[str, type[Graph]] = {"sc": SC, "tso": TSO, "cpp20": CPP20, "rc11": RC11}
"""The memory models by name, from the strongest on; neither of the last two is the stronger one."""
