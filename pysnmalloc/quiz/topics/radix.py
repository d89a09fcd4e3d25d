"""Questions on the temporal radix tree: buckets, rounds, lists and hops of messages (§2.2, Figures 1, 2)."""

from __future__ import annotations

from ...config import CLASSROOM, PAPER, Config
from ...heap import Heap
from ...remotecache import RemoteCache
from ..net import BUCKETS, Net, Post, base4, digit
from ..question import Dice, Problem, mistakes
from ..slabs import RESERVE

__all__ = ["make"]

LAST = (1 << CLASSROOM.number_bits) - 1
TARGETS = {2: 4, 3: 5, 4: 7, 5: 9}  # by level
SETTING = (
    "The remote cache has 4 buckets (k = 2), and allocators are numbered 1 to 63. Every object is named after the "
    "allocator that owns it. All caches and queues are empty, and no other calls are made."
)


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
    with Heap(CLASSROOM, reserve=RESERVE, fast=False) as heap:
        if level == 1 or dice.below(5) == 0:
            return _bucket(dice, heap, level)
        sender = dice.between(1, LAST)
        targets = _targets(dice, sender, TARGETS[level])
        net = Net(heap, sender, targets)
        kinds = {2: (_lists, _receiver), 3: (_lists, _receiver, _rounds), 4: (_receiver, _rounds, _hops)}
        return dice.pick(kinds.get(level, (_receiver, _hops)))(dice, net, sender, targets)


def _targets(dice: Dice, sender: int, count: int) -> list[int]:
    """Choose targets: many agree with the sender, or with each other, in the last digits."""
    found: list[int] = []
    while len(found) < count:
        low = sender if dice.below(2) else dice.between(1, LAST)
        keep = 2 * dice.between(0, 2)
        target = dice.between(0, LAST) >> keep << keep | low & (1 << keep) - 1
        if target not in (0, sender, *found):
            found.append(target)
    return found


def _bucket(dice: Dice, heap: Heap, level: int) -> Problem:
    """Which bucket does a target fall into?"""
    config: Config = CLASSROOM if level < 3 else PAPER
    bits = config.bucket_bits
    number = dice.between(5, LAST) if level < 3 else dice.between(64, (1 << 18) - 1)
    round = dice.below(3) if level > 1 else dice.below(2)
    address = number << config.allocator_bits
    answer = RemoteCache(heap.memory, config, heap.acquire(number=1).address).index(address, round)
    digits = [number >> bits * r & config.buckets - 1 for r in range(4)]
    by_address = level > 1 and dice.below(2) == 1
    named = f"the allocator at address {address:#x}" if by_address else f"allocator number {number}"
    return Problem(
        setting=(
            f"The remote cache has {config.buckets} buckets (k = {bits}). An allocator's number is its address "
            f"divided by its alignment of {1 << config.allocator_bits:,} bytes."
        ),
        asked=f"In round {round}, into which bucket does a message to {named} fall?",
        answer=answer,
        steps=(
            *((f"{address:#x} >> {config.allocator_bits} = {number}, the number.",) if by_address else ()),
            f"Round {round} uses bits {bits * round} to {bits * round + bits - 1} of the number.",
            f"({number} >> {bits * round}) & {config.buckets - 1} = {answer}; in binary, {number} is {number:b}.",
        ),
        mistakes=mistakes(
            answer,
            *((digits[r], f"That is the bucket of round {r}.") for r in range(4)),
            (number, f"The bucket is {bits} bits of the number, not all of it."),
            (
                number >> bits * round if number >> bits * round else None,
                f"The shift is right, but only the low {bits} bits are the bucket.",
            ),
            (address >> bits * round & config.buckets - 1, "The bits below the alignment are all 0: drop them first."),
        ),
    )


_Known = list[tuple[int | None, str]]


def _problem(sender: int, targets: list[int], asked: str, answer: int, lines: list[str], known: _Known) -> Problem:
    """Build a problem about a post; ``lines`` describe the lists."""
    digits = ", ".join(map(base4, (sender, *targets)))
    home = f"The home bucket of {sender} in round 0 is {digit(sender, 0)}: it is redistributed, not sent."
    return Problem(
        setting=SETTING,
        calls=(f"for x in {', '.join(map(str, targets))}: {sender}.free(object of x)", f"{sender}.post()"),
        asked=asked,
        answer=answer,
        steps=(f"In base 4: {digits}.", home, *lines),
        mistakes=mistakes(answer, *known),
    )


def _told(post: Post) -> list[str]:
    """Describe all lists of a post."""
    return [post.told(one) for one in post.lists]


def _lists(_dice: Dice, net: Net, sender: int, targets: list[int]) -> Problem:
    """How many lists does a post send?"""
    post = net.post(sender)
    in_round_0 = len({digit(target, 0) for target in targets})
    known: _Known = [
        (len(targets), "There is one list per bucket, not per message or target: that is the point of buckets."),
        (
            in_round_0,
            "The home bucket is not sent in round 0: the next bits redistribute it, perhaps into several lists.",
        ),
        (sum(one.round == 0 for one in post.lists), "That counts only the lists of round 0; the home bucket follows."),
        (BUCKETS, "Empty buckets are not sent, and the home bucket is redistributed."),
        (BUCKETS - 1, "Empty buckets are not sent, and the next bits redistribute the home bucket."),
    ]
    asked = "How many lists does the post send, with one atomic exchange each?"
    return _problem(sender, targets, asked, len(post.lists), _told(post), known)


def _receiver(dice: Dice, net: Net, sender: int, targets: list[int]) -> Problem:
    """Which allocator receives a message first?"""
    post = net.post(sender)
    long = [target for one in post.lists for target in one.targets[1:]]
    target = dice.pick(long or targets)
    sent = post.list_of(target)
    alike = [other for other in targets if digit(other, 0) == digit(target, 0)]
    known: _Known = [
        (target, "That is the owner, but the whole list first goes to the owner of its first object."),
        (sent.targets[-1], "That is the owner of the list's last object; the list goes to the owner of the first."),
        (min(sent.targets), "That is the lowest number in the list, but the list is in the order of the frees."),
        (alike[0], "That object is first in the home bucket, but the next bits redistribute that bucket."),
        (targets[0], "That object was freed first, but it fell into another bucket."),
        (digit(target, sent.round), "That is the bucket; the list goes to the owner of its first object."),
        (sender, "The sender does not keep its home bucket: the next bits redistribute it, and its lists are sent."),
    ]
    asked = f"To which allocator does the post send the object of {target}?"
    return _problem(sender, targets, asked, sent.receiver, _told(post), known)


def _rounds(_dice: Dice, net: Net, sender: int, targets: list[int]) -> Problem:
    """How many rounds does a post take?"""
    post = net.post(sender)
    known: _Known = [
        (post.rounds - 1, "The first round, which posts the buckets by the first bits, counts too."),
        (post.rounds + 1, "The post ends when the home bucket is empty; no further round begins."),
        (1, "Messages in the home bucket take one more round: the next bits redistribute them."),
        (3, "Three rounds are the most for three digits; the post ends when the home bucket is empty."),
        (len(post.lists), "That is the number of lists."),
    ]
    asked = "How many rounds does the post take until the home bucket is empty, including the first?"
    return _problem(sender, targets, asked, post.rounds, _told(post), known)


def _hops(dice: Dice, net: Net, sender: int, targets: list[int]) -> Problem:
    """How often is a message sent until it arrives home?"""
    late = [t for i, t in enumerate(targets) if any(digit(t, 0) == digit(other, 0) for other in targets[:i])]
    target = dice.pick(late if late and dice.below(4) else targets)  # after another in its bucket: more hops
    posts = net.hops(target)
    way = " -> ".join(map(str, (sender, *(post.list_of(target).receiver for post in posts))))
    lines = [post.told(post.list_of(target)) for post in posts]
    known: _Known = [
        (1, "The object goes in a list to the owner of the list's first object, which forwards it."),
        (len(posts) - 1, "That counts the allocators that forward it; the last hop counts too."),
        (len(posts) + 1, "That counts the allocators on the way, including the sender."),
        (3, "Three hops are the most for three digits: each hop matches at least one more digit."),
    ]
    asked = f"How many hops does the object of {target} take home, if each receiver forwards the rest and posts?"
    return _problem(sender, targets, asked, len(posts), [*lines, f"The way home is {way}."], known)
