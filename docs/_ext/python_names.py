"""An inventory of the names in Python's documentation to which the site links, made without a network.

    python-names.txt:  py:class  int  library/functions.html#int

Intersphinx needs an inventory of names. This module writes one from a list that people can read and extend, and which
holds only names that the site uses. If a name is missing there, the build prints a warning that names it.
"""

from __future__ import annotations

import zlib
from pathlib import Path

HEADER = (
    "# Sphinx inventory version 2\n# Project: Python\n# Version: 3\n"
    "# The remainder of this file is compressed using zlib.\n"
)


def write_inventory(docs: Path) -> Path:
    """Write the inventory, unless it is unchanged, and return its path."""
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
