"""What judges give to answers, and what they compare with: full memory, watched operations, right models (§2.2, §2.5).

    judge ─► Driven, Watched ... ─► answer ─► what it returned, did, and left in memory
             Delivery, RingHeap               who called what, in which order

The bytes that an answer receives are generated from a statement of what is in them, and never computed as an answer
does. An answer that is right only in fresh memory, or only if nothing else happens, is wrong. Read ``linked`` first.

Imported by: tutorials.

    slabs, pagemaps, linked, driven, signed, watched, stacks, queues, delivery, ringheap
"""
