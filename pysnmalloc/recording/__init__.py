"""Recording: every change to a heap is an event, and a recording keeps the events in order (§2.1 to §2.8).

Read ``events`` first: it has one frozen record for each kind of change. ``recording`` keeps,
counts, filters and saves events. ``recorder`` holds the observers that report what each concept
does. No other code in this room touches a heap. ``chrome`` exports a recording for Chrome's trace
viewer and Perfetto.

Of the concepts, only ``heap`` uses this room. A heap that is not recorded runs no observer.

Imported by: heap, and the rooms above it.

    events/, recording, recorder/, chrome
"""

from .recording import Origin, Recording, new_recording, recorded

__all__ = ["Origin", "Recording", "new_recording", "recorded"]
