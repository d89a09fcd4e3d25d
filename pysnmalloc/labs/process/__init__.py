"""A student's process: it loads the student's file and answers questions, within limits (§2).

    Student ──► asking: a process, its pipe, its deadline ══ wire: lines of JSON ══► worker: the student's file

The law: what comes out of a student's process is a plain value, or it is no answer. A process that is late,
that prints without end, or that ends, gives no answer; it is ended with all that it has started. Read ``wire``,
then ``asking``. Left out: the network and the files of the machine, which a process may use. A container closes both.

Imported by: judges, checking.

    wire, limits, worker, asking, student
"""
