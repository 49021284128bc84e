"""What an agent gets as one message: records of one partition, in order, enough for some milliseconds."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from schema.rows import Partition, Record

MOST_RECORDS = 500
"""Records per message: about 10 ms of decoding, after which the loop serves others."""

MOST_BYTES = 4 * 1024 * 1024
"""Bytes per message, so that queued replay chunks stay within memory."""


class RecordBatch(NamedTuple):
    """Records of one partition, in order; ``end`` is where reading goes on.

    ``start`` is the ``end`` of the batch before, or the offset that reading was set to:
    what does not join up was lost on the way and must be read again.
    """

    partition: Partition
    start: int
    end: int
    records: list[Record]

    def cut(self, records: int) -> "tuple[RecordBatch, RecordBatch | None]":
        """Return the first so many records, and the rest if there is any."""
        if records == len(self.records):
            return self, None
        first, rest = self.records[:records], self.records[records:]
        at = first[-1].offset + 1
        return RecordBatch(self.partition, self.start, at, first), RecordBatch(self.partition, at, self.end, rest)


def split(records: list[Any]) -> Iterator[list[Any]]:
    """Cut ``records`` into runs within :data:`MOST_RECORDS` and :data:`MOST_BYTES`."""
    run: list[Any] = []
    size = 0
    for record in records:
        length = len(record.value or b"")
        if run and (len(run) >= MOST_RECORDS or size + length > MOST_BYTES):
            yield run
            run, size = [], 0
        run.append(record)
        size += length
    if run:
        yield run
