"""The topics of the quiz: endless questions, created by running the allocator (§2).

Each topic is a module with a function ``make``, which creates one problem from random
choices. ``capacity`` has the problems about slabs for ``sizeclass``; ``messages`` and
``superslabs`` run the allocator for ``queue`` and ``superslab``; ``catalogue`` lists the topics.

The modules:

    capacity, sizeclass, freelist, metadata, messages, queue, pagemap, superslabs, superslab, radix,
    catalogue
"""
