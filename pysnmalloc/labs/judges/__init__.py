"""The judges of the labs, one module per lab (§2.6, §2.8).

    @judge("sizes")
    def _(student, variant):                 a generator that yields errors, in words, as in the lessons;
        yield from call(student.function("size_of"), "size_of", 9, wanted=160)

A judge computes the right result with its own code, from the variant's numbers. Read ``judging`` first.

Imported by: checking.

    judging, lab1
"""
