"""The bytes of a file as text: unpacked, decoded, in lines.

    1f 8b ...            gzip                          packed files are told from their contents
    ef bb bf, ff fe      a byte-order mark             editors and shells of Windows write it, or UTF-16
    0d 0a                CR LF ends a line, as does CR

The law: every file becomes text. A byte that is no character becomes a replacement
character, which no format has, so the line with it is refused by its number.
"""

from __future__ import annotations

import codecs
import gzip
import zlib

from .errors import TraceError

__all__ = ["GZIP_MAGIC", "as_text", "unpacked"]

GZIP_MAGIC = b"\x1f\x8b"  #: the first bytes of a packed file


def unpacked(data: bytes, name: str) -> bytes:
    """Return a file's bytes, unpacked if they are packed with gzip.

    Raises:
        TraceError: if the packed file is damaged.
    """
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise TraceError(name, 0, "a complete gzip file", f"a damaged file ({error})") from None


def as_text(data: bytes) -> str:
    """Return a file's bytes as text, with lines that end in a line feed."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
