"""Traces: recorded programs, read from three formats into one (§3).

Read ``trace`` first: calls, numbered by object and by thread. ``formats`` reads the shipped
traces and CS:APP's ``.rep`` files, ``valgrind`` reads the output of ``--trace-malloc=yes``,
and ``errors`` names the fault in a file and its line.

The modules:

    errors, trace, valgrind, formats
"""
