"""The judges of the tutorials' exercises, one module per tutorial (§2, §3).

Each module judges the answers of one notebook, by bytes and by code of its own.
``checking`` imports a tutorial's judges when one of its exercises is checked.
"""
