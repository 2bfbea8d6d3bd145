"""Task ids: `task-unified-<created>-<8 letters or digits>`, unique in an account (clause `id.format`)."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

_PREFIX = "task-unified-"
ID_LENGTH = len(_PREFIX) + len("1757169743-7cvnl5zw")
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
SPACE = len(_LETTERS) ** 8
# Coprime to 36**8, because it is odd and no multiple of three. `task_random` is therefore a permutation, and no two
# tasks of an account have the same id. It is large, so that the ids of successive tasks do not look alike.
_STRIDE = 1_618_033_988_749
_SHAPE = re.compile(r"task-unified-[0-9]{10}-[0-9a-z]{8}")


def first_random(seed: int, token: str) -> int:
    """Return a pseudo-random number for an account.

    The same seed and token always give the same number. From the account's number, `task_random` derives the
    pseudo-random number of each task.
    """
    digest = blake2b(f"{seed}:".encode() + token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % SPACE


def task_random(first: int, number: int) -> int:
    """Return a pseudo-random number (0 ≤ n < 36⁸) for an account's task.

    `number` is the task's number in its account, counted from 0. `first` is the result of `first_random` for the
    account. The task's id, duration and video are derived from the returned number.
    """
    return (first + number * _STRIDE) % SPACE


def fraction(random: int) -> float:
    """Return a pseudo-random number in [0, 1), derived from the integer `random`."""
    # Mixes the bits, so that successive integers give fractions that look independent.
    mixed = (random * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return (mixed >> 11) / (1 << 53)


def task_id(created: int, random: int) -> str:
    """Return a task id. `created` is in Unix seconds, and `random` is the task's pseudo-random number."""
    high, low = divmod(random, 1_679_616)  # 36**4
    pairs = f"{_PAIRS[high // 1296]}{_PAIRS[high % 1296]}{_PAIRS[low // 1296]}{_PAIRS[low % 1296]}"
    return _prefix_of(created) + pairs


@lru_cache(maxsize=64)  # tasks of the same second share it
def _prefix_of(created: int) -> str:
    return f"{_PREFIX}{created:010d}-"


def is_foreign(candidate: str) -> bool:
    """Return whether an id lacks the prefix `task-unified-` (clause `query.id-prefix`)."""
    return not candidate.startswith(_PREFIX)


def is_task_id(candidate: str) -> bool:
    """Return whether an id has the shape of the ids that this server issues."""
    return _SHAPE.fullmatch(candidate) is not None
