"""Token sequences merged into a trie, so that what several of them begin with is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

#: Indices of tokens.
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Branch:
    """The tokens that one sequence adds to the trie, and all tokens from the root to its end."""

    #: Index in the trie of each token of the sequence.
    places: Places
    #: How many of them, at its end, no earlier branch has.
    new: int


@dataclass(frozen=True, slots=True)
class TokenTrie:
    """The distinct tokens of some sequences, in depth-first order."""

    ids: list[int]
    #: A token's position in its sequence.
    depths: list[int]
    #: Branches with new tokens; each stands on tokens of earlier ones.
    branches: list[Branch]
    #: For every sequence, in the order they were given, the index of each of its tokens.
    places: list[Places]


def token_trie(sequences: Sequence[list[int]]) -> TokenTrie:
    """Merge sequences. In sorted order each shares most with its neighbour, so comparing neighbours finds all."""
    ids: list[int] = []
    depths: list[int] = []
    branches: list[Branch] = []
    here: Places = np.zeros(0, dtype=np.int64)
    places = [here] * len(sequences)
    before: list[int] = []
    for which in sorted(range(len(sequences)), key=lambda i: sequences[i]):
        sequence = sequences[which]
        shared = _shared(before, sequence)
        new = len(sequence) - shared
        here = np.concatenate((here[:shared], np.arange(len(ids), len(ids) + new)))
        if new:
            ids += sequence[shared:]
            depths += range(shared, len(sequence))
            branches.append(Branch(here, new))
        places[which] = here
        before = sequence
    return TokenTrie(ids, depths, branches, places)


def joined(tries: Sequence[TokenTrie]) -> TokenTrie:
    """Tries that share nothing as one, side by side."""
    if len(tries) == 1:
        return tries[0]
    moved: list[TokenTrie] = []
    start = 0
    for trie in tries:
        branches = [Branch(each.places + start, each.new) for each in trie.branches]
        moved.append(TokenTrie(trie.ids, trie.depths, branches, [each + start for each in trie.places]))
        start += len(trie.ids)
    return TokenTrie(
        list(chain.from_iterable(trie.ids for trie in moved)),
        list(chain.from_iterable(trie.depths for trie in moved)),
        list(chain.from_iterable(trie.branches for trie in moved)),
        list(chain.from_iterable(trie.places for trie in moved)),
    )


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
