"""A set of ids is a set, small or large, however alike its ids are."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.id_set import MOST_SORTED, IdSet

ALIKE = st.sampled_from([0, 1, 2**64 - 1, 2**64, 2**64 + 1, 2**127, 2**128 - 1]) | st.integers(0, 2**128 - 1)


@given(st.lists(ALIKE.map(lambda number: UUID(int=number)), max_size=40))
def test_it_holds_what_was_added_and_nothing_else(keys: list[UUID]) -> None:
    ids, plain = IdSet(), set[UUID]()
    for key in keys:
        assert (key in ids) == (key in plain)
        if key not in plain:
            ids.add(key)
            plain.add(key)
    assert len(ids) == len(plain)
    assert set(ids.ids()) == plain


@pytest.mark.parametrize("size", [MOST_SORTED - 1, MOST_SORTED, MOST_SORTED + 1, MOST_SORTED + 2])
def test_it_stays_the_same_set_when_it_grows_large(size: int) -> None:
    keys = [UUID(int=number * 2**61 + number) for number in range(size)]
    ids = IdSet()
    for key in reversed(keys):
        ids.add(key)
    assert len(ids) == size
    assert sorted(ids.ids()) == sorted(keys)
    assert all(key in ids for key in keys)
    assert UUID(int=size * 2**61 + size) not in ids
