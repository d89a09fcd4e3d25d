"""Running an answer: it is stopped when its steps or its memory run out, and a long check says that it goes on (§2).

    check ──► underway: which exercise, since when, how many calls       a sign of life after a second
                 ▲
    limited(answer, 48) ──► budget: a trace function counts every line   Spent, with the line and its values

The law: a check ends, whatever the answer does in Python. Neither thread nor signal is needed, so the law also
holds in a browser. Read ``budget``. Left out: an answer that loops inside a function written in C, such as
``list(itertools.count())``, and an answer that keeps the error that stops it.

Imported by: judging, source, exploring, threads, material, tutorials, checking.

    underway, memory, budget
"""
