"""Task ids: `task-unified-<created>-<8 letters or digits>`, unique by construction (clause `id.format`)."""

from __future__ import annotations

import re
from hashlib import blake2b

_PREFIX = "task-unified-"
ID_LENGTH = len(_PREFIX) + len("1757169743-7cvnl5zw")
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
SPACE = len(_LETTERS) ** 8
# Odd and no multiple of three, so coprime to 36**8: `task_random` is a permutation: no two tasks
# of an account have the same id. Large, so that the ids of successive tasks do not look alike.
_STRIDE = 1_618_033_988_749
_SHAPE = re.compile(r"task-unified-[0-9]{10}-[0-9a-z]{8}")


def first_random(seed: int, token: str) -> int:
    """The first pseudo-random number of an account: the same for the same seed and token, in every process."""
    digest = blake2b(f"{seed}:".encode() + token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % SPACE


def task_random(first: int, number: int) -> int:
    """The pseudo-random number of an account's `number`th task, 0 ≤ n < 36⁸.

    The id and everything else that varies are derived from it.
    """
    return (first + number * _STRIDE) % SPACE


def fraction(random: int) -> float:
    """A number in [0, 1) that looks unrelated to the id made from the same `random`."""
    mixed = (random * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return (mixed >> 11) / (1 << 53)


def task_id(created: int, random: int) -> str:
    """The id of a task created at `created` (Unix seconds)."""
    high, low = divmod(random, 1_679_616)  # 36**4
    pairs = f"{_PAIRS[high // 1296]}{_PAIRS[high % 1296]}{_PAIRS[low // 1296]}{_PAIRS[low % 1296]}"
    return f"{_PREFIX}{created:010d}-{pairs}"


def is_foreign(candidate: str) -> bool:
    """Whether an id has another prefix: it is malformed rather than unknown (clause `query.id-prefix`)."""
    return not candidate.startswith(_PREFIX)


def is_task_id(candidate: str) -> bool:
    """Whether a text is an id that this server could have issued."""
    return _SHAPE.fullmatch(candidate) is not None
