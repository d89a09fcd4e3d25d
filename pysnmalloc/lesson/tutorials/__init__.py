"""The judges of the tutorials' exercises, one module per tutorial (§2, §3).

Each module judges the answers of one notebook, by bytes and by code of its own. ``checking``
loads a tutorial's judges when one of its exercises is checked.

Imported by: checking.

    tutorial_00, tutorial_01, tutorial_02, tutorial_03, tutorial_04, tutorial_05, tutorial_06,
    tutorial_07, tutorial_08, tutorial_09, tutorial_10, tutorial_11
"""
