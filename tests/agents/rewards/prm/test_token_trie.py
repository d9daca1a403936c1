"""The trie holds every distinct prefix once, and each sequence finds its own tokens in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.rewards.prm.token_trie import joined, token_trie

sequences = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=8)


@given(sequences)
def test_every_prefix_once(rows: list[list[int]]) -> None:
    trie = token_trie(rows)
    assert len(trie.ids) == len({tuple(row[: at + 1]) for row in rows for at in range(len(row))})
    for row, places in zip(rows, trie.places, strict=True):
        assert [trie.ids[at] for at in places] == row
        assert [trie.depths[at] for at in places] == list(range(len(row)))


@given(sequences)
def test_branches_cover_the_tokens_and_stand_on_earlier_ones(rows: list[list[int]]) -> None:
    trie = token_trie(rows)
    new = [at for branch in trie.branches for at in branch.places[len(branch.places) - branch.new :]]
    assert new == list(range(len(trie.ids)))


@given(sequences, sequences)
def test_joined_tries_lie_side_by_side(some: list[list[int]], others: list[list[int]]) -> None:
    both = joined([token_trie(some), token_trie(others)])
    rows = [*some, *others]
    assert len(both.ids) == len(token_trie(some).ids) + len(token_trie(others).ids)
    assert [[both.ids[at] for at in places] for places in both.places] == rows
