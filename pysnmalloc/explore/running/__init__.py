"""Running: scenarios outside of the search, on real threads, and as tests of pytest (§2.2).

The modules:

    turnstile, realthreads, testing
"""
