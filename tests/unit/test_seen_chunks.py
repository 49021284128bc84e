"""Which replay chunks are new, and how much of a session's replay is taken."""

from collections.abc import Sequence

import pytest

from agents.decoder import Decoder
from pipeline.limits import Limits
from pipeline.seen_chunks import ReplayTally, SeenChunks
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import KeptChunk
from tests.builders import OTHER_SESSION, REPLAY, SESSION, chunk_message, kept_chunk, record


class Tables:
    """The tables, as far as chunks are concerned, and a partition before them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.chunks: dict[tuple[object, int], int] = {}
        self.seen = SeenChunks(limits)
        self.unwritten: list[KeptChunk] = []

    def take(self, *chunks: KeptChunk) -> list[bool | None]:
        """Return which of ``chunks`` are new, None for those that are refused."""
        for session_id in self.seen.strangers(chunks):
            sizes = [size for (owner, _), size in self.chunks.items() if owner == session_id]
            self.seen.learn([session_id], {session_id: ReplayTally(len(sizes), sum(sizes))})
        keys = {(chunk.session_id, chunk.chunk_index) for chunk in chunks}
        new, refused = self.seen.admit(chunks, keys & self.chunks.keys())
        self.unwritten += new
        beyond = [chunk for chunk, _ in refused]
        return [None if chunk in beyond else chunk in new for chunk in chunks]

    def flush(self) -> None:
        """Write what was admitted."""
        for chunk in self.unwritten:
            self.chunks[chunk.session_id, chunk.chunk_index] = len(chunk.chunk_data)
            self.seen.flushed(chunk.place.offset + 1)
        self.unwritten = []

    def crash(self) -> None:
        """Forget what is not written, and all that was remembered."""
        self.seen, self.unwritten = SeenChunks(self.limits), []


def chunks(indexes: Sequence[int], size: int = 2, first_offset: int = 0) -> list[KeptChunk]:
    """Return chunks of the session, each of so many bytes."""
    return [kept_chunk(n, offset=first_offset + at, chunk_data=b"1" * size) for at, n in enumerate(indexes)]


def test_a_chunk_twice_is_one_chunk_before_and_after_its_flush() -> None:
    tables = Tables(Limits())
    assert tables.take(*chunks([0, 1, 0])) == [True, True, False]
    assert tables.seen.unwritten({(SESSION, 1), (SESSION, 2)}) == {(SESSION, 1)}
    tables.seen.flushed(1)
    assert tables.seen.unwritten({(SESSION, 0), (SESSION, 1)}) == {(SESSION, 1)}
    tables.flush()
    assert tables.take(*chunks([0, 1, 2], first_offset=3)) == [False, False, True]


# limits: 3 chunks | 6 bytes
@pytest.mark.parametrize(
    ("limits", "size"), [(Limits(session_chunks=3), 1), (Limits(session_replay_bytes=6), 2)], ids=["chunks", "bytes"]
)
@pytest.mark.parametrize(
    ("flushes", "crashes"), [(False, False), (True, False), (True, True), (False, True)], ids=["", "f", "fc", "c"]
)
def test_a_session_sends_as_much_replay_as_the_limit_also_after_a_crash(
    limits: Limits, size: int, flushes: bool, crashes: bool
) -> None:
    tables = Tables(limits)
    sent = chunks([0, 1, 1, 2, 3, 4], size)
    assert tables.take(*sent[:2]) == [True, True]
    if flushes:
        tables.flush()
    if crashes:
        tables.crash()
        assert tables.take(*sent[:2]) == [not flushes] * 2
    assert tables.take(*sent[3:]) == [True, None, None]
    assert tables.take(sent[2]) == [False], "what was taken before is a duplicate, not too much"
    assert tables.take(kept_chunk(0, offset=9, session_id=OTHER_SESSION)) == [True]


def test_a_smaller_chunk_is_taken_after_one_too_large_was_not() -> None:
    tables = Tables(Limits(session_replay_bytes=5))
    assert tables.take(*chunks([0], 4), *chunks([1], 2, 1), *chunks([2], 1, 2)) == [True, None, True]


def test_a_session_is_forgotten_once_its_chunks_are_written() -> None:
    tables = Tables(Limits())
    first = chunks([0])
    tables.take(*first)
    assert tables.seen.strangers(first) == set()
    tables.flush()
    assert tables.seen.strangers(first) == {SESSION}


async def test_a_chunk_that_is_refused_is_a_dead_letter_with_the_bytes_of_its_record() -> None:
    sent = record(chunk_message(), partition=REPLAY, offset=4)
    decoder = Decoder(DecodePolicy(), REPLAY.topic)
    (chunk,) = (await decoder.decode([sent])).chunks
    (letter,) = decoder.refused([sent], [(chunk, "too much")])
    assert (letter.place, letter.reason, letter.value) == (chunk.place, Reason.TOO_MANY, sent.value)
