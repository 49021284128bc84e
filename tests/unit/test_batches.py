"""A fetch is cut into batches that are decoded quickly and fit in memory."""

from typing import NamedTuple

import pytest

from agents.batches import MOST_BYTES, MOST_RECORDS, split


class Fetched(NamedTuple):
    """As much of a Kafka record as is looked at."""

    offset: int
    value: bytes | None


def lengths(*sizes: int | None) -> list[int]:
    """Return how many records each batch has, of records with values of these sizes."""
    records = [Fetched(offset, None if size is None else bytes(size)) for offset, size in enumerate(sizes)]
    batches = list(split(records))
    assert [record for batch in batches for record in batch] == records
    return [len(batch) for batch in batches]


@pytest.mark.parametrize(
    ("records", "batches"),
    [
        (0, []),
        (1, [1]),
        (MOST_RECORDS - 1, [MOST_RECORDS - 1]),
        (MOST_RECORDS, [MOST_RECORDS]),
        (MOST_RECORDS + 1, [MOST_RECORDS, 1]),
        (2 * MOST_RECORDS + 1, [MOST_RECORDS, MOST_RECORDS, 1]),
    ],
)
def test_a_batch_has_so_many_records_at_most(records: int, batches: list[int]) -> None:
    assert lengths(*[1] * records) == batches


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([MOST_BYTES - 1, 1], [2]),
        ([MOST_BYTES, 1], [1, 1]),
        ([1, MOST_BYTES], [1, 1]),
        ([MOST_BYTES // 2] * 5, [2, 2, 1]),
        ([MOST_BYTES + 1], [1]),
        ([MOST_BYTES + 1, MOST_BYTES + 1, 1], [1, 1, 1]),
    ],
)
def test_a_batch_has_so_many_bytes_at_most_unless_one_record_has_more(sizes: list[int], batches: list[int]) -> None:
    assert lengths(*sizes) == batches


def test_records_without_a_value_weigh_nothing() -> None:
    assert lengths(None, MOST_BYTES, None, 0, None) == [5]
