"""A flush in the making, and how large it may grow."""

from dataclasses import dataclass, field

from agents.owned import Owned
from pipeline.flush import Flush
from schema.rows import DeadLetter, Partition

FULL = 1_000
"""Events that make a flush due at once: beyond some 2 000 events/s none has to wait for the interval."""

WORTH_CLOSING = 5_000
"""Events that make a flush of their own while another is being written: larger ones cost no less per row."""

MOST = 20_000
"""Events in a flush before reading pauses: some 20 MB, of which there may be three: written, closed and pending."""

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of the records of a flush before reading pauses."""


@dataclass(slots=True)
class Pending:
    """A flush in the making, and what is counted once it is written.

    ``record_bytes``: of the records as they came; ``bytes``: with what batches repeat.
    ``appended_us``: of records that had come before in others, by partition and offset.
    """

    flush: Flush = field(default_factory=Flush)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    owned: dict[Partition, Owned] = field(default_factory=dict)
    duplicates: int = 0
    late: int = 0
    records: int = 0
    record_bytes: int = 0
    bytes: int = 0
    appended_us: dict[tuple[Partition, int], int] = field(default_factory=dict)

    @property
    def is_due(self) -> bool:
        """Whether it should wait for no interval."""
        return self._weight >= FULL or self.bytes >= MOST_BYTES // 4

    @property
    def is_worth_closing(self) -> bool:
        """Whether more would not make its transaction any cheaper."""
        return len(self.flush) >= WORTH_CLOSING

    @property
    def has_room(self) -> bool:
        """Whether reading may go on."""
        return self._weight < MOST and self.bytes < MOST_BYTES

    @property
    def _weight(self) -> int:
        return len(self.flush) + len(self.dead_letters)
