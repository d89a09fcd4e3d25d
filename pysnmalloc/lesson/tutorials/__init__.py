"""The judges of the tutorials' exercises, one module per tutorial (§2, §3).

Each module judges the answers of one notebook, from bytes and with its own code. ``checking``
loads the judges of a tutorial when one of its exercises is checked. Read ``tutorial_00`` first,
the shortest; the judges of one tutorial need no other.

Imported by: checking.

    tutorial_00, tutorial_01, tutorial_02, tutorial_03, tutorial_04, tutorial_05, tutorial_06,
    tutorial_07, tutorial_08, tutorial_09, tutorial_10, tutorial_11
"""
