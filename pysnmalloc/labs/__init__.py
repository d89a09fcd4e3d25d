"""Labs: a student writes the allocator of the paper, part by part, and each part is judged (§2).

    judge (this process)                          student's process, with limits
      Student.function("size_of")(9) ── pipe ──►  worker: loads sizes.py, calls size_of(9)
      verdict             ◄── plain values ─────  160

    secret + name ──► variant ──► the numbers of this student's hand-out and of this student's judge

The law: no line of a student runs in the process that judges. A student's process only answers questions, and
what it answers is compared with what the judge knows from its own code. Read ``arc``, the list of milestones,
then ``process``, then the judge of one lab.

Imported by: cli.

    variants, arc, process/, judges/, checking, folder
"""
