"""Pictures: what is drawn equals what the bytes say, read back from the SVG and compared with a reading by hand."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from rich.console import Console

import pysnmalloc as sn
from pysnmalloc.pictures import HeapMap, Picture, Pictures, SlabPicture, changes
from tests.recordings import RESERVE, Reader, drive

SVG = "{http://www.w3.org/2000/svg}"


def svg(picture: Picture, changed: frozenset[str] = frozenset()) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg(changed))


def drawn(picture: Picture, changed: frozenset[str] = frozenset()) -> dict[str, str]:
    """The facts that an SVG's elements carry, each by one element."""
    pairs = [
        (element.attrib["data-fact"], element.attrib["data-value"])
        for element in svg(picture, changed).iter()
        if "data-fact" in element.attrib
    ]
    assert len(pairs) == len(dict(pairs)), "a fact is drawn twice"
    return dict(pairs)


def words(picture: Picture) -> list[str]:
    """All words of an SVG."""
    return [element.text or "" for element in svg(picture).iter(f"{SVG}text")]


@pytest.fixture
def busy() -> Iterator[sn.Heap]:
    """A heap with something of every kind."""
    with sn.Heap(sn.CLASSROOM, reserve=RESERVE) as heap:
        drive(heap, 700, seed=3)
        yield heap


def superslabs(heap: sn.Heap) -> list[int]:
    reader = Reader(heap.memory.u8, heap.config)
    return [chunk for chunk in chunks(heap) if reader.kind(chunk) == 1]


def chunks(heap: sn.Heap) -> range:
    """All chunks below the bump pointer."""
    reader = Reader(heap.memory.u8, heap.config)
    return range(heap.layout.first_chunk, reader.word(64), heap.config.chunk_size)


def slabs_in_use(heap: sn.Heap) -> list[int]:
    reader = Reader(heap.memory.u8, heap.config)
    size = heap.config.slab_size
    every = [slab for chunk in superslabs(heap) for slab in range(chunk, chunk + heap.config.chunk_size, size)]
    return [slab for slab in every if reader.metadata(slab)[0]]


# Slabs.


def test_a_slab_is_drawn_as_its_bytes_are(busy: sn.Heap) -> None:
    reader = Reader(busy.memory.u8, busy.config)
    slabs = slabs_in_use(busy)
    assert len(slabs) > 8
    for slab in slabs:
        used, head, link, sizeclass, _ = reader.metadata(slab)
        objects = {f"object {address:#x}": state for address, state in reader.states(slab).items()}
        assert drawn(busy.picture.slab(slab + 5)) == {
            "used": f"{used} of {len(objects)}",
            "head": f"{head:#06x}",
            "link": f"{link:#06x}",
            "sizeclass": f"{sizeclass} ({reader.size(sizeclass)} B)",
            **objects,
        }


def test_the_boxes_are_where_the_objects_are(busy: sn.Heap) -> None:
    """Left to right and down the page, by rising address, and of the kind that they are."""
    for slab in slabs_in_use(busy):
        places = []
        for group in svg(busy.picture.slab(slab)).iter(f"{SVG}g"):
            fact = group.get("data-fact", "")
            if fact.startswith("object"):
                rect = group.find(f"{SVG}rect")
                assert rect is not None
                places.append((float(rect.attrib["y"]), float(rect.attrib["x"]), int(fact.split()[1], 16)))
                kind = {"a": "snm-used", "f": "snm-free", "n": "snm-bump"}[group.attrib["data-value"][0]]
                assert group.attrib["class"] == kind
        assert [address for *_, address in sorted(places)] == [address for *_, address in places]


def big_slab() -> tuple[sn.Heap, int]:
    """A slab of 3960 objects with a free list of hundreds."""
    heap = sn.Heap(sn.PAPER, reserve=1 << 28)
    allocator = heap.acquire()
    objects = [allocator.malloc(16) for _ in range(3000)]
    for address in objects[100:2900:5]:
        allocator.free(address)
    return heap, objects[0] & ~0xFFFF


def test_a_slab_of_thousands_is_drawn_by_runs() -> None:
    heap, slab = big_slab()
    states = Reader(heap.memory.u8, heap.config).states(slab)
    found = dict[int, str]()
    for element in svg(heap.picture.slab(slab)).iter():
        if "data-count" in element.attrib:
            first = int(element.attrib["data-first"], 16)
            for index in range(int(element.attrib["data-count"])):
                found[first + 16 * index] = element.attrib["data-value"]
    assert found == {address: state.split(",")[0] for address, state in states.items()}
    assert len(found) == 3960
    changed = frozenset({f"object {slab + 0x880 + 16 * 100:#x}", "head"})
    picture = heap.picture.slab(slab)
    marked = drawn(picture, changed)
    assert {name for name in marked if name.startswith("object")} == changed - {"head"}
    assert "2440 allocated, 560 on the free list, 960 never allocated" in picture.description
    assert "... 550 more ..." in picture.description
    heap.close()


def test_a_full_slab_a_fresh_one_and_one_that_is_free() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        allocator = heap.acquire()
        objects = [allocator.malloc(1024)]
        full = heap.picture.slab(objects[0])
        assert drawn(full) | {"link": ""} == {
            "used": "1 of 1",
            "head": "0x03ff",
            "link": "",
            "sizeclass": "19 (1024 B)",
            f"object {objects[0]:#x}": "allocated",
        }
        assert any("full" in word for word in words(full))
        free = heap.picture.slab(objects[0] + 1024)
        assert drawn(free) == {"used": "0", "next": "0"}
        assert "not in use" in words(free)


def test_a_short_free_list_is_drawn_as_arrows_from_object_to_object() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        allocator = heap.acquire()
        objects = [allocator.malloc(16) for _ in range(20)]
        assert not list(svg(heap.picture.slab(objects[0])).iter(f"{SVG}path"))
        for index in (3, 7, 12):
            allocator.free(objects[index])
        paths = list(svg(heap.picture.slab(objects[0])).iter(f"{SVG}path"))
        assert len([path for path in paths if path.get("class") is None]) == 3  # two links and the bump pointer
        for address in [*objects[:3], *objects[13:]]:
            allocator.free(address)
        assert not list(svg(heap.picture.slab(objects[4])).iter(f"{SVG}path"))


# Superslabs, medium slabs.


def test_a_superslab_is_drawn_as_its_bytes_are(busy: sn.Heap) -> None:
    reader, count = Reader(busy.memory.u8, busy.config), busy.config.slab_count
    for chunk in superslabs(busy):
        used, head = reader.word(chunk + 82, 2), reader.word(chunk + 80, 1)
        facts = drawn(busy.picture.superslab(chunk + 4000))
        assert facts["owner"] == f"allocator {reader.word(chunk) >> 11}"
        assert (facts["kind"], facts["head"]) == ("3", str(head))
        assert (facts["next"], facts["prev"]) == (f"{reader.word(chunk + 64):#x}", f"{reader.word(chunk + 72):#x}")
        assert facts["used"].startswith(f"{used} = ")
        for index in range(count):
            slab = chunk + index * busy.config.slab_size
            objects, slab_head, link, sizeclass, after = reader.metadata(slab)
            value = facts[f"slab {index}"]
            if objects:
                capacity = len(reader.objects(slab))
                assert value == (
                    f"{objects} of {capacity} objects of {reader.size(sizeclass)} B, head {slab_head:#06x}, "
                    f"link {link:#06x}, sizeclass {sizeclass}"
                )
            elif index:
                following = (index + after + 1) % count
                assert value == f"free, next {after}: " + (f"slab {following}" if following else "the last")
            else:
                assert value == "free, short"


def test_a_superslab_of_the_paper_shows_all_256_slabs() -> None:
    with sn.Heap(sn.PAPER, reserve=1 << 28) as heap:
        allocator = heap.acquire()
        objects = [allocator.malloc(40_000) for _ in range(30)]
        picture = heap.picture.superslab(objects[0])
        facts = drawn(picture)
        assert sum(name.startswith("slab ") for name in facts) == 256
        assert sum("objects of" in value for value in facts.values()) == 30
        assert facts["used"] == "60 = 2×30+0"
        assert "... and 10 more slabs in use" in words(picture)


def test_a_medium_slab_is_drawn_as_its_bytes_are(busy: sn.Heap) -> None:
    reader = Reader(busy.memory.u8, busy.config)
    medium = [chunk for chunk in chunks(busy) if reader.kind(chunk) == 2]
    assert len(medium) > 2
    for chunk in medium:
        size = reader.size(reader.word(chunk + 83, 1))
        count = (busy.config.chunk_size - busy.config.page_size) // size
        head, free = reader.word(chunk + 82, 1), reader.word(chunk + 80, 2)
        stack = {reader.word(chunk + 84 + 2 * slot, 2) * 256 + chunk: slot for slot in range(head, count)}
        end = chunk + busy.config.chunk_size
        facts = drawn(busy.picture.medium(chunk))
        assert (facts.pop("head"), facts.pop("free")) == (str(head), f"{free} of {count}")
        assert facts.pop("sizeclass") == f"{reader.word(chunk + 83, 1)} ({size:,} B)"
        assert facts == {
            f"object {address:#x}": f"free, stack[{stack[address]}]" if address in stack else "allocated"
            for address in range(end - count * size, end, size)
        }


# Chunks.


def test_the_heap_map_and_the_page_map_are_drawn_as_the_bytes_are(busy: sn.Heap) -> None:
    reader = Reader(busy.memory.u8, busy.config)
    facts = drawn(busy.picture.map())
    assert "bump" not in facts
    assert len(facts) == len(chunks(busy)) > 12
    for chunk in chunks(busy):
        kind, owner = reader.kind(chunk), reader.word(chunk) >> 11
        value = facts[f"chunk {chunk:#x}"]
        if kind == 1:
            in_use = sum(reader.metadata(slab)[0] > 0 for slab in range(chunk, chunk + 8192, 1024))
            assert value == f"superslab of allocator {owner}, {in_use} of 8 slabs in use"
        elif kind == 2:
            assert value.startswith(f"medium slab of allocator {owner}, {reader.word(chunk + 82, 1)} of ")
        else:
            assert value == ("free" if kind == 0 else "large object" if kind < 64 else "more of the large object")
    names = {0: "–", 1: "S", 2: "M"} | {13 + n: f"L{n}" for n in range(8)} | {64 + 13 + n: f"J{n}" for n in range(8)}
    assert drawn(busy.picture.pagemap()) == {
        f"chunk {chunk:#x}": f"{reader.kind(chunk)} = {names[reader.kind(chunk)]}" for chunk in chunks(busy)
    }


def test_the_page_map_shows_the_way_to_the_start_of_an_object() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        p = heap.malloc(8 * 8192)
        picture = heap.picture.pagemap(p + 7 * 8192 + 100)
        assert picture.path == (p + 7 * 8192, p + 3 * 8192, p + 8192, p)
        assert [value.split(" = ")[1] for value in list(picture.facts().values())[-8:]] == [
            *("L3", "J0", "J1", "J1", "J2", "J2", "J2", "J2")
        ]
        arrows = [path for path in svg(picture).iter(f"{SVG}path") if path.get("class") is None]
        assert len(arrows) == 3


@pytest.mark.parametrize("count", [0, 1, 8, 9, 16, 17, 100, 300])
def test_the_heap_map_of_any_number_of_chunks(count: int) -> None:
    with sn.Heap(sn.CLASSROOM, reserve=1 << 23) as heap:
        allocator = heap.acquire()
        for _ in range(count):
            allocator.malloc(8192)
        picture = heap.picture.map()
        assert len(drawn(picture)) == count
        boxes = [rect.attrib for rect in svg(picture).iter(f"{SVG}rect")]
        corners = {(box["x"], box["y"]) for box in boxes}
        assert len(corners) == count
        assert all(float(box["x"]) > 0 and float(box["x"]) + float(box["width"]) < 760 for box in boxes)
        assert f"{count} chunk" in picture.text()


# Messages.


def test_buckets_are_drawn_as_the_bytes_are(busy: sn.Heap) -> None:
    reader, seen = Reader(busy.memory.u8, busy.config), 0
    allocators = busy.allocators
    objects = [allocators[0].malloc(16) for _ in range(9)] + [allocators[1].malloc(40) for _ in range(3)]
    for address in objects:
        allocators[2].free(address)
    for allocator in allocators:
        facts = drawn(busy.picture.buckets(allocator.number))
        assert facts.pop("home") == str(allocator.number % 4)
        assert facts.pop("cached") == f"{reader.word(allocator.address + 136):,}"
        for index in range(4):
            messages = reader.bucket(allocator.number, index)
            listed = ", ".join(f"{message:#x} for {reader.target(message)}" for message in messages)
            assert facts.pop(f"bucket {index}") == (listed or "empty")
            seen += len(messages)
        assert not facts
    assert seen == 12


def test_the_64_buckets_of_the_paper_and_the_home_bucket_of_each_round() -> None:
    with sn.Heap(sn.PAPER, reserve=1 << 28) as heap:
        sender, owner = heap.acquire(5 + (7 << 6)), heap.acquire(9)
        sender.free(owner.malloc(64))
        for round, home in ((0, 5), (1, 7), (2, 0)):
            picture = heap.picture.buckets(sender, round)
            assert drawn(picture)["home"] == str(home)
            assert f"{home} home" in words(picture)
        assert len(drawn(picture)) == 66
        assert drawn(picture)["bucket 9"].endswith(" for 9")
        assert "9 = 001001: for 9" in picture.text()


def test_a_queue_is_drawn_as_the_bytes_are(busy: sn.Heap) -> None:
    reader = Reader(busy.memory.u8, busy.config)
    receiver, sender = busy.allocators[0], busy.allocators[1]
    objects = [receiver.malloc(16) for _ in range(5)]
    for address in objects:
        sender.free(address)
    sender.post()
    front, back = reader.word(receiver.address + 128), reader.word(receiver.address)
    facts = drawn(busy.picture.queue(receiver))
    assert (facts.pop("front"), facts.pop("back")) == (f"{front:#x}", f"{back:#x}")
    chain = reader.chain(front)
    assert chain[-5:] == objects
    assert list(facts) == [f"message {message:#x}" for message in chain]
    for message in chain[1:]:
        assert facts[f"message {message:#x}"] == f"for allocator 1, next {reader.word(message):#x}"


def test_a_long_queue_leaves_the_middle_out() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        receiver, sender = heap.acquire(1), heap.acquire(2)
        for address in [receiver.malloc(16) for _ in range(52)]:
            sender.free(address)
        sender.post()
        picture = heap.picture.queue(1)
        assert len(picture.seen) == 53
        assert sum(name.startswith("message") for name in drawn(picture)) == 9
        assert "... 44 more" in words(picture)
        assert picture.description == "51 messages can be received; the newest stays until another arrives"


# Bytes.


def test_a_hexdump_names_what_is_in_the_bytes(busy: sn.Heap) -> None:
    reader, chunk = Reader(busy.memory.u8, busy.config), superslabs(busy)[0]
    facts = drawn(busy.picture.bytes(chunk, 192))
    for index in range(8):
        used, head, link, sizeclass, after = reader.metadata(chunk + 1024 * index)
        word = chunk + 88 + 8 * index
        assert facts[f"slab {index}: used at {word:#x}"] == f"{used:#x}"
        assert facts[f"slab {index}: head at {word + 2:#x}"] == f"{head:#x}"
        assert facts[f"slab {index}: link at {word + 4:#x}"] == f"{link:#x}"
        assert facts[f"slab {index}: class at {word + 6:#x}"] == str(sizeclass)
        assert facts[f"slab {index}: next at {word + 7:#x}"] == str(after)
    assert facts[f"owner at {chunk:#x}"] == f"{reader.word(chunk):#x}"
    for name, value in facts.items():
        if name.startswith("bytes"):
            at = int(name.split()[1], 16)
            assert bytes.fromhex(value) == bytes(busy.memory.u8[at : at + 16])


def test_a_hexdump_knows_links_nodes_and_the_heaps_own_words(busy: sn.Heap) -> None:
    reader = Reader(busy.memory.u8, busy.config)
    links = 0
    for slab in slabs_in_use(busy):
        facts = drawn(busy.picture.bytes(slab, 1024))
        *free, _ = reader.free_list(slab)
        for address in free:
            if f"link at {address:#x}" in facts:
                assert facts[f"link at {address:#x}"] == f"{reader.word(address, 2):#x}"
                links += 1
        if not reader.metadata(slab)[1] & 2:
            node = slab + reader.metadata(slab)[2]
            assert facts[f"node: prev at {node:#x}"] == f"{reader.word(node):#x}"
            assert facts[f"node: next at {node + 8:#x}"] == f"{reader.word(node + 8):#x}"
    assert links > 3
    assert drawn(busy.picture.bytes(0, 256))["bump at 0x40"] == f"{reader.word(64):#x}"
    block = drawn(busy.picture.bytes(busy.allocators[0].address, 256))
    assert block["front at 0x880"] == f"{reader.word(0x880):#x}"
    assert block["bucket 1: last at 0x8d8"] == f"{reader.word(0x8D8):#x}"
    entry = reader.pagemap + superslabs(busy)[0] // 8192
    named = drawn(busy.picture.bytes(entry, 16))
    assert named[f"page map, chunk {superslabs(busy)[0]:#x} at {entry:#x}"] == "1"


# All pictures.


def every(pictures: Pictures, heap: sn.Heap) -> list[Picture]:
    """One picture of each kind."""
    reader = Reader(heap.memory.u8, heap.config)
    medium = next(chunk for chunk in chunks(heap) if reader.kind(chunk) == 2)
    return [
        pictures.map(),
        pictures.pagemap(),
        pictures.superslab(superslabs(heap)[0]),
        pictures.slab(slabs_in_use(heap)[0]),
        pictures.medium(medium),
        pictures.queue(1),
        pictures.buckets(2),
        pictures.bytes(superslabs(heap)[0], 192),
    ]


class Printed:
    """What IPython prints with."""

    said = ""

    def text(self, text: str) -> None:
        self.said += text


def test_every_picture_is_accessible_and_themed(busy: sn.Heap) -> None:
    for picture in every(busy.picture, busy):
        root = svg(picture)
        assert (root.tag, root.get("role"), root.get("aria-label")) == (f"{SVG}svg", "img", picture.title)
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert (root[0].text, root[1].text) == (picture.title, picture.description)
        style = root.findtext(f"{SVG}style") or ""
        assert "prefers-color-scheme:dark" in style
        assert "data-theme=dark" in style
        assert "@media print" in style
        assert not any("id" in element.attrib for element in root.iter()), "ids collide where pictures share a page"
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for rect in root.iter(f"{SVG}rect"):
            assert float(rect.attrib["x"]) + float(rect.attrib["width"]) <= width
            assert float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height
        for text in root.iter(f"{SVG}text"):
            assert float(text.attrib["y"]) < height
        for group in root.iter(f"{SVG}g"):
            fact = group.get("data-fact")
            if fact:
                assert group.findtext(f"{SVG}title") == f"{fact}: {group.attrib['data-value']}"
        assert picture._repr_svg_() in picture._repr_html_()
        printed = Printed()
        picture._repr_pretty_(printed, False)
        assert printed.said == str(picture)
        assert "<style>" not in picture.svg(styled=False)


def test_what_is_drawn_are_the_facts(busy: sn.Heap) -> None:
    for picture in every(busy.picture, busy):
        facts = picture.facts()
        assert drawn(picture).items() <= facts.items()
        assert len(facts) - len(drawn(picture)) <= isinstance(picture, HeapMap)  # its bump pointer is in words


def test_changes_are_marked_by_more_than_colour(busy: sn.Heap) -> None:
    for picture in every(busy.picture, busy):
        name = list(drawn(picture))[-1]
        marked = [e for e in svg(picture, frozenset({name})).iter(f"{SVG}g") if e.get("data-changed")]
        assert [element.attrib["data-fact"] for element in marked] == [name]
        assert "snm-changed" in marked[0].attrib["class"]
        assert "*" in [text.text for text in marked[0].iter(f"{SVG}text")]
        assert "*" in picture.text(80, frozenset({name}))
        assert "*" not in picture.text(80)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_keeps_to_the_width(busy: sn.Heap, width: int) -> None:
    heap, slab = big_slab()
    pictures = [
        *every(busy.picture, busy),
        heap.picture.slab(slab),
        heap.picture.superslab(slab),
        heap.picture.buckets(1),
    ]
    for picture in pictures:
        text = picture.text(width)
        assert text.startswith(picture.title[:20])
        assert [line for line in text.splitlines() if len(line) > width] == []
    heap.close()


def test_text_shows_every_object_of_a_slab(busy: sn.Heap) -> None:
    for slab in slabs_in_use(busy):
        reader = Reader(busy.memory.u8, busy.config)
        states = reader.states(slab)
        link = slab + reader.metadata(slab)[2] if not reader.metadata(slab)[1] & 2 else -1
        size = reader.size(reader.metadata(slab)[3])
        expected = ""
        for address, state in states.items():
            place = int(state.split()[1]) if state.startswith("free") else 0
            if state == "never allocated":
                expected += "@" if address <= link < address + size else "."
            else:
                expected += (str(place) if place < 10 else "+") if place else "#"
        for width in (40, 80):
            lines = busy.picture.slab(slab).text(width).splitlines()
            rows = [line[8:] for line in lines if re.match(r"0x\w{4}  [#.@+\d](?: |$)", line)]
            assert "".join(rows).replace(" ", "") == expected


def test_colour_adds_codes_and_changes_no_word(busy: sn.Heap) -> None:
    for picture in every(busy.picture, busy):
        plain, coloured = picture.text(), picture.text(colour=True)
        stripped = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines())
        assert stripped == plain
        assert "\x1b[" in coloured
        for width in (50, 100):
            out = io.StringIO()
            Console(file=out, width=width, color_system=None, highlight=False).print(picture)
            printed = [line.rstrip() for line in out.getvalue().rstrip("\n").splitlines()]
            assert printed == picture.text(width).splitlines()


def test_changes_between_two_pictures_are_where_facts_differ() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        allocator = heap.acquire()
        p, q = allocator.malloc(16), allocator.malloc(16)
        before = heap.picture.slab(p)
        allocator.free(p)
        after = heap.picture.slab(p)
        head = f"{before.head:#06x}"
        assert changes(before, after) == {
            "used": ("2 of 52", "1 of 52"),
            "head": (head, f"{p % 1024:#06x}"),
            f"object {p:#x}": ("allocated", f"free, 1 on the list, link {head}"),
        }
        assert changes(None, after) == changes(after, after) == {}
        fresh = heap.picture.slab(q + 1024)
        assert isinstance(fresh, SlabPicture)
        assert set(changes(fresh, after)) == {
            "used",
            "next",
            "head",
            "link",
            "sizeclass",
            f"object {p:#x}",
            f"object {q:#x}",
        }


def test_a_picture_stays_as_it_was() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        p = heap.malloc(16)
        picture = heap.picture.around(p)
        text = picture.text()
        heap.free(p)
        heap.malloc(500)
    assert picture.text() == text


def test_what_is_not_there_cannot_be_pictured() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        p = heap.malloc(9000)
        for take in (heap.picture.slab, heap.picture.superslab, heap.picture.medium):
            with pytest.raises(sn.InvalidPointer, match=r"the page map says 14.*around\(\)"):
                take(p)
        with pytest.raises(ValueError, match="no allocator 7 in this heap; it has 1"):
            heap.picture.queue(7)
        with pytest.raises(sn.InvalidPointer, match="the heap ranges from 0 to"):
            heap.picture.bytes(-1)
        assert heap.picture.around(p + 8192).subject == "page map"
    with pytest.raises(sn.HeapClosed):
        heap.picture.map()
