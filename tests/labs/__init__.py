"""What students write in the labs, wrong and right, as pages in the form of ``tests/answers``."""
