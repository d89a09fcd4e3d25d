"""The topics of the quiz: endless questions, created by running the allocator (§2).

Each topic is a module with a function ``make``, which returns one question from a random
generator. Read ``freelist`` first. ``capacity``, ``messages`` and ``superslabs`` make kinds of
questions that topics share; ``catalogue`` lists the topics.

Imported by: nothing beside it.

    capacity, sizeclass, freelist, metadata, messages, queue, pagemap, superslabs, superslab, radix,
    catalogue
"""
