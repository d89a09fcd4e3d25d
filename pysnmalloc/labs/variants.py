"""Variants: numbers that differ from student to student, so that another's file does not pass (§2.6, §2.8).

    secret of the course ─┐
                          ├─ HMAC-SHA256 ─► mantissa bits, order of the fields of a metadata word, header, k, batch
    name of the student ──┘

The hand-out states the numbers, and the judge computes them again. Without the secret, nobody can compute the
numbers of a name. Someone who learns alone has no course; the numbers are then the paper's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["PAPER", "Variant", "variant"]

SIZES: Final = {"used": 2, "head": 2, "link": 2, "sizeclass": 1, "next": 1}
"""Bytes of the fields of a metadata word."""


@dataclass(frozen=True)
class Variant:
    """The numbers of a hand-out.

    Attributes:
        mantissa_bits: bits of the mantissa of a size class; there are 2^bits classes per power of two (§2.6).
        fields: the fields of a metadata word, from its lowest byte to its highest (§2.8).
        metadata_offset: bytes of a superslab's header before the metadata words (§2.8).
        bucket_bits: k, the bits of an allocator's number that one round of posting uses (§2.2).
        batch: the most messages that one call receives (§2.2).
    """

    mantissa_bits: int = 2
    fields: tuple[str, ...] = ("used", "head", "link", "sizeclass", "next")
    metadata_offset: int = 88
    bucket_bits: int = 6
    batch: int = 64

    def offset(self, field: str) -> int:
        """Return the byte of a metadata word at which a field begins.

        Raises:
            ValueError: if a metadata word has no such field.
        """
        return sum(SIZES[each] for each in self.fields[: self.fields.index(field)])

    @property
    def constants(self) -> dict[str, int]:
        """The names that a student's file begins with, and their values."""
        return {
            "MANTISSA_BITS": self.mantissa_bits,
            "METADATA_OFFSET": self.metadata_offset,
            "BUCKET_BITS": self.bucket_bits,
            "BATCH": self.batch,
            **{field.upper(): self.offset(field) for field in SIZES},
        }


PAPER: Final = Variant()
"""The paper's numbers, for someone who learns alone."""


def variant(secret: bytes, student: str) -> Variant:
    """Return the variant of a student of a course. It is never the paper's.

    Args:
        secret: the secret of the course, of 16 bytes or more.
        student: the name by which the course knows the student. Case and surrounding spaces do not matter.

    Raises:
        ValueError: if the secret is short, so that it could be found by trying, or if the name is empty.
    """
    name = student.strip().casefold()
    if len(secret) < 16:
        raise ValueError(f"the secret of a course has 16 bytes or more, but this one has {len(secret)}")
    if not name:
        raise ValueError("a variant is made for a student's name, but this name is empty")
    digest = hmac.new(secret, name.encode(), hashlib.sha256).digest()
    numbers = _numbers(digest)
    return Variant(
        mantissa_bits=(1, 3, 4)[next(numbers) % 3],
        fields=_fields(numbers),
        metadata_offset=96 + 8 * (next(numbers) % 12),
        bucket_bits=(3, 4, 5, 7)[next(numbers) % 4],
        batch=17 + next(numbers) % 40,
    )


def _numbers(digest: bytes) -> Iterator[int]:
    """Yield numbers that follow from a digest, each of two bytes."""
    yield from (int.from_bytes(digest[at : at + 2], "little") for at in range(0, len(digest), 2))


def _fields(numbers: Iterator[int]) -> tuple[str, ...]:
    """Return an order of the fields in which each of two bytes is at an even offset, and which is not the paper's."""
    wide, narrow = ["used", "head", "link"], ["sizeclass", "next"]
    order: list[str] = []
    bytes_first = next(numbers) % 2
    for names in (narrow, wide) if bytes_first else (wide, narrow):
        left = list(names)
        while left:
            order.append(left.pop(next(numbers) % len(left)))
    if tuple(order) == Variant().fields:
        order.reverse()
        order.sort(key=lambda field: SIZES[field])
    return tuple(order)
