"""The kinds of events, by name (§2).

A file names the kind of each event. The table ``EVENTS`` maps the name to the class.
"""

from __future__ import annotations

from .base import Event
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

__all__ = ["EVENTS"]

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
"""All kinds of events, by name."""
