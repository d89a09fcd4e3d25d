"""What judges give to answers, and what they compare with: full memory, watched operations, right models (§2.2, §2.5).

    judge ─► Driven, Memory ... ─► answer ─► what it returned, did, and left in memory

An answer that is right only in fresh memory, or only if nothing else happens, is wrong. Read ``linked`` first.

Imported by: tutorials.

    linked, driven, signed
"""
