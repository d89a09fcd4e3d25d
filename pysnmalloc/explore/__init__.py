"""Exploring executions under sequential consistency, x86-TSO and RC11."""
