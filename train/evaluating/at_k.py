"""What k samples of a problem's n are worth, exactly: pass@k and maj@k, each over all ways to draw k of the n.

pass@k, at least one of the k is right, is the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, §2.1):
1 − C(n−c, k) / C(n, k) with c right ones. maj@k, the most frequent answer of the k is right (self-consistency, Wang
et al. 2022), is the same expectation for a vote: the probability that a right answer wins, of equals each as likely.
Samples without an answer have no vote. Departure: where papers draw subsets to estimate maj@k, they are counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import comb


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that of k samples out of n, ``right`` of them right, at least one is.

    Raises:
        ValueError: k is not in 1 … n.
    """
    _check(n, k)
    return 1 - comb(n - right, k) / comb(n, k)


def maj_at_k(samples: Sequence[tuple[str | None, bool]], k: int) -> float:
    """The chance that the vote of k of the samples, (answer or None, right), is right.

    Of one answer all samples count as right if one is: they are one answer.

    Raises:
        ValueError: k is not in 1 … the number of samples.
    """
    _check(len(samples), k)
    votes = Counter(answer for answer, _ in samples if answer is not None)
    right = {answer for answer, is_right in samples if is_right and answer is not None}
    shape = tuple(sorted(votes.values()))
    return sum(_wins(shape, votes[answer], len(samples), k) for answer in right)


def powers_up_to(n: int) -> list[int]:
    """1, 2, 4, …, and n itself: the k that are reported."""
    powers = [1 << place for place in range(n.bit_length())]
    return powers if powers[-1] == n else [*powers, n]


@lru_cache(maxsize=65_536)
def _wins(shape: tuple[int, ...], own: int, n: int, k: int) -> float:
    """The chance that an answer with ``own`` of the n samples wins the vote of k; ``shape``: all answers' counts.

    By its number of votes v: the others hold at most v each, and of t that hold v too, it is one of t + 1.
    """
    others = list(shape)
    others.remove(own)
    silent = n - sum(shape)
    won = 0.0
    for v in range(1, min(own, k) + 1):
        # Ways to draw the rest, by how many are drawn and how many answers are level.
        ways: dict[tuple[int, int], int] = {(x, 0): comb(silent, x) for x in range(min(silent, k - v) + 1)}
        for count in others:
            ways = _with(ways, count, v, k - v)
        level = ((ties, w) for (drawn, ties), w in ways.items() if drawn == k - v)
        won += comb(own, v) * sum(w / (ties + 1) for ties, w in level)
    return won / comb(n, k)


def _with(ways: dict[tuple[int, int], int], count: int, most: int, room: int) -> dict[tuple[int, int], int]:
    """The ways with one more answer, of which ``most`` may be drawn."""
    more: defaultdict[tuple[int, int], int] = defaultdict(int)
    for (drawn, ties), w in ways.items():
        for x in range(min(count, most, room - drawn) + 1):
            more[drawn + x, ties + (x == most)] += w * comb(count, x)
    return more


def _check(n: int, k: int) -> None:
    if not 1 <= k <= n:
        raise ValueError(f"k = {k} of {n} samples")
