"""Events: what the allocator did to its bytes, one frozen record per meaningful change (§2.1 to §2.8).

    tick 7   thread 1   allocator 2   call 3        the stamp: when, and by which thread and allocator
    ObjectPushed  object 0x10040  slab 0x10000      what, and where
                  head 0x00c1 -> 0x0040             before and after
    writes   0x10058: 2 bytes, 3 -> 2 ...           every store since the previous event

The recorder makes an event when its change is complete, except for a few that announce a step,
such as ``ListSent``. The ``writes`` of an event are all stores of the allocator since its
previous event. The writes of a recording, in order, are the history of the heap's bytes.
Pictures are drawn from them and cannot disagree with the log. Every class names its section of
the paper and the line of code that makes the change. Read ``base`` first.
Left out: loads, which change nothing, and programs' stores into their objects.

Imported by: recording, recorder, chrome.

    base, calls, slabs, superslabs, chunks, messages, kinds, lines
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
from .kinds import EVENTS
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
