"""Decides which replay chunks are new, and within what one session may send.

Chunks are few and large, so each is asked for in the table; only what is not yet there has to be remembered. A
session's tally is in its row, so that the answer is the same after a crash.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from pipeline.limits import Limits
from schema.rows import KeptChunk

SessionChunk = tuple[UUID, int]
"""A session's id and a replay chunk's index in it."""


class ReplayTally(NamedTuple):
    """How many chunks of a session were admitted, and how many bytes they have as they are stored."""

    chunks: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Session:
    tally: ReplayTally
    last_offset: int = -1


class AdmittedChunks(NamedTuple):
    """The new ones of some chunks; those that are beyond the limits, with the reason."""

    new: list[KeptChunk]
    refused: list[tuple[KeptChunk, str]]


class SeenChunks:
    """The replay chunks of one partition that are on their way into the table, and the tallies of their sessions."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._unwritten: dict[SessionChunk, int] = {}
        self._sessions: dict[UUID, _Session] = {}
        self._written_to = 0

    def strangers(self, chunks: Iterable[KeptChunk]) -> set[UUID]:
        """Return the sessions of ``chunks`` whose tally is needed before they are admitted.

        Lets go of the tallies that are in the tables first: nowhere between here and :meth:`admit`, where a caller
        waits for the tables' answer.
        """
        written_to = self._written_to
        self._sessions = {key: known for key, known in self._sessions.items() if known.last_offset >= written_to}
        return {chunk.session_id for chunk in chunks} - self._sessions.keys()

    def learn(self, session_ids: Iterable[UUID], tallies: Mapping[UUID, ReplayTally]) -> None:
        """Take in what the tables know of sessions; one without a tally has sent no chunk."""
        for session_id in session_ids:
            self._sessions[session_id] = _Session(tallies.get(session_id, ReplayTally()))

    def unwritten(self, chunks: AbstractSet[SessionChunk]) -> set[SessionChunk]:
        """Return those of ``chunks`` on their way into the table: ask before asking the table."""
        return {key for key in chunks if key in self._unwritten}

    def admit(self, chunks: Iterable[KeptChunk], in_tables: AbstractSet[SessionChunk]) -> AdmittedChunks:
        """Return which of ``chunks`` are new and within the limits, and remember them."""
        admitted = AdmittedChunks([], [])
        for chunk in chunks:
            key = (chunk.session_id, chunk.chunk_index)
            if key in in_tables or key in self._unwritten:
                continue
            session = self._sessions[chunk.session_id]
            if (refusal := self._refusal(session.tally, chunk)) is not None:
                admitted.refused.append((chunk, refusal))
                continue
            session.tally = ReplayTally(session.tally.chunks + 1, session.tally.bytes + len(chunk.chunk_data))
            session.last_offset = self._unwritten[key] = chunk.place.offset
            admitted.new.append(chunk)
        return admitted

    def flushed(self, next_offset: int) -> None:
        """Let go of what is in the tables now: everything below ``next_offset``."""
        self._written_to = next_offset
        self._unwritten = {key: offset for key, offset in self._unwritten.items() if offset >= next_offset}

    def _refusal(self, tally: ReplayTally, chunk: KeptChunk) -> str | None:
        limits = self._limits
        if tally.chunks >= limits.session_chunks:
            return f"session_id: has sent {limits.session_chunks} replay chunks, as many as a session may"
        if tally.bytes + len(chunk.chunk_data) > limits.session_replay_bytes:
            return f"chunk_data: the session's replay would have more than {limits.session_replay_bytes} bytes"
        return None
