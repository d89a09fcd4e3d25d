"""The benchmarks: ratios measured in one process, by ``nox -s bench``."""
