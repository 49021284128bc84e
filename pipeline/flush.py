"""What one transaction writes, and where in the topics it begins and ends."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from schema.rows import KeptChunk, KeptEvent, Partition, Place, Rows


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets ``[from_offset, to_offset)`` of a partition, read under ``epoch``.

    ``arrival_us`` is the latest arrival time among their records.
    """

    epoch: int
    from_offset: int
    to_offset: int
    arrival_us: int


@dataclass(slots=True)
class Flush:
    """Kept events and chunks, and the spans of the records that they and their likes came from.

    Spans also cover records that left nothing to write (duplicates, dead letters): their
    offsets move with the rest.
    """

    spans: dict[Partition, Span] = field(default_factory=dict)
    events: list[KeptEvent] = field(default_factory=list)
    chunks: list[KeptChunk] = field(default_factory=list)
    rows: Rows | None = None
    """What a sink has prepared of it."""

    def __len__(self) -> int:
        return len(self.events) + len(self.chunks)

    def extend(self, partition: Partition, span: Span) -> None:
        """Take ``span`` in; it begins where the partition's span so far ends.

        Raises:
            ValueError: it does not, which would skip or repeat records.
        """
        known = self.spans.get(partition)
        if known is None:
            self.spans[partition] = span
            return
        if (known.epoch, known.to_offset) != (span.epoch, span.from_offset):
            raise ValueError(f"{partition}: {span} does not continue {known}")
        latest_us = max(known.arrival_us, span.arrival_us)
        self.spans[partition] = replace(known, to_offset=span.to_offset, arrival_us=latest_us)

    def only(self, places: Iterable[Place]) -> "Flush":
        """Return the events and chunks that came from ``places``, as a flush without spans."""
        wanted = set(places)
        return Flush(
            events=[event for event in self.events if event.place in wanted],
            chunks=[chunk for chunk in self.chunks if chunk.place in wanted],
        )

    def places(self) -> list[Place]:
        """Return where each event and chunk came from."""
        return [event.place for event in self.events] + [chunk.place for chunk in self.chunks]
