"""Events: what the allocator did to its bytes, one frozen record per meaningful change (§2.1 to §2.8).

    tick 7   thread 1   allocator 2   call 3        the stamp: when, and by whom
    ObjectPushed  object 0x10040  slab 0x10000      what, and where
                  head 0x00c1 -> 0x0040             before and after
    writes   0x10058: 2 bytes, 3 -> 2 ...           every store since the event before

An event is made when its change is complete. Its ``writes`` are all stores of the
allocator that happened since its former event, so the writes of a recording,
one after the other, are the history of the heap's bytes: pictures are drawn
from them, and cannot disagree with the log. What programs write into their
objects is no business of the allocator's, and not here.

Every class names its section of the paper, and the line of this package that
makes the change. ``recorder`` makes events; ``recording`` keeps, filters and
saves them. Left out: loads, which change nothing.
"""

from __future__ import annotations

from .base import Address, Change, Code, Event, Stamp, Write
from .calls import AllocatorMade, Called, Returned, Zeroed
from .chunks import (
    BumpMoved,
    ChunkReturned,
    ChunkTaken,
    Decommitted,
    PageMapChanged,
    StackEmptied,
    StackPopped,
    StackPushed,
)
from .messages import (
    BucketAppended,
    BucketEmptied,
    CameHome,
    Dequeued,
    Exchanged,
    Forwarded,
    Linked,
    ListSent,
    PostBegan,
    Posted,
    Redistributed,
    RemoteFreed,
)
from .slabs import ObjectBumped, ObjectPopped, ObjectPushed, SlabLinked, SlabReopened, SlabUnlinked, SlabVacated
from .superslabs import (
    ChunkLinked,
    ChunkUnlinked,
    MediumReturned,
    MediumslabMade,
    MediumTaken,
    SlabReturned,
    SlabTaken,
    SuperslabMade,
)

__all__ = [
    "EVENTS",
    "Address",
    "AllocatorMade",
    "BucketAppended",
    "BucketEmptied",
    "BumpMoved",
    "Called",
    "CameHome",
    "Change",
    "ChunkLinked",
    "ChunkReturned",
    "ChunkTaken",
    "ChunkUnlinked",
    "Code",
    "Decommitted",
    "Dequeued",
    "Event",
    "Exchanged",
    "Forwarded",
    "Linked",
    "ListSent",
    "MediumReturned",
    "MediumTaken",
    "MediumslabMade",
    "ObjectBumped",
    "ObjectPopped",
    "ObjectPushed",
    "PageMapChanged",
    "PostBegan",
    "Posted",
    "Redistributed",
    "RemoteFreed",
    "Returned",
    "SlabLinked",
    "SlabReopened",
    "SlabReturned",
    "SlabTaken",
    "SlabUnlinked",
    "SlabVacated",
    "StackEmptied",
    "StackPopped",
    "StackPushed",
    "Stamp",
    "SuperslabMade",
    "Write",
    "Zeroed",
]

EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        AllocatorMade,
        Called,
        Returned,
        Zeroed,
        ObjectBumped,
        ObjectPopped,
        ObjectPushed,
        SlabReopened,
        SlabVacated,
        SlabLinked,
        SlabUnlinked,
        SuperslabMade,
        SlabTaken,
        SlabReturned,
        ChunkLinked,
        ChunkUnlinked,
        MediumslabMade,
        MediumTaken,
        MediumReturned,
        PageMapChanged,
        BumpMoved,
        ChunkTaken,
        ChunkReturned,
        StackPushed,
        StackPopped,
        StackEmptied,
        Decommitted,
        BucketAppended,
        RemoteFreed,
        PostBegan,
        ListSent,
        Exchanged,
        Linked,
        BucketEmptied,
        Redistributed,
        Posted,
        Dequeued,
        CameHome,
        Forwarded,
    )
}
"""All kinds of events by name."""
