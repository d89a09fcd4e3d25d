"""Traces: recorded programs, read from several formats into one (§3).

Read ``trace`` first: calls, numbered by object and by thread. ``formats`` reads the traces that
are shipped and CS:APP's ``.rep`` files; ``valgrind`` reads the output of ``--trace-malloc=yes``;
``errors`` says what is wrong with a file, and in which line; ``foreign`` knows the files of other
recorders.

Imported by: sampling, and all above it.

    errors, numbers, files, foreign, shipped, trace, valgrind, formats
"""
