"""An inventory of the names of Python's own documentation that the site links to, made without a network.

    python-names.txt:  py:class  int  library/functions.html#int

Intersphinx wants the inventory of a whole site. This writes one of the names that are used here, from a list that
people can read and amend: a name that is missing there is a warning of the build, which says which.
"""

from __future__ import annotations

import zlib
from pathlib import Path

HEADER = (
    "# Sphinx inventory version 2\n# Project: Python\n# Version: 3\n"
    "# The remainder of this file is compressed using zlib.\n"
)


def write_inventory(docs: Path) -> Path:
    """Write the inventory, and return its path."""
    lines = []
    for line in (docs / "python-names.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            role, name, address = line.split()
            lines.append(f"{name} {role} 1 {address} -\n")
    path = docs / "_generated" / "python.inv"
    path.parent.mkdir(exist_ok=True)
    contents = HEADER.encode() + zlib.compress("".join(lines).encode())
    if not path.exists() or path.read_bytes() != contents:
        path.write_bytes(contents)
    return path
