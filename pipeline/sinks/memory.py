"""The sink's twin in memory, for tests and trials: the same promises, kept by plain Python.

One contract suite runs against this and PostgreSQL. Tables are public, to be read.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from pipeline.crowded_windows import keep_within_limit
from pipeline.dedup import History, SessionEvent
from pipeline.flush import Flush
from pipeline.fold import FoldPolicy, fold
from pipeline.moments import microseconds, moment
from pipeline.scores import score_row
from pipeline.seen_chunks import ReplayTally, SessionChunk
from pipeline.sinks.contract import Claim, Fenced, LedgerMoved, RowsRejected, Waiting, Written, find_rejected, nothing
from pipeline.sinks.memory_judging import emotions_since, evidence_of
from pipeline.sinks.memory_results import MemoryResults
from pipeline.sinks.merges import Row, ending, merged_session, merged_user, several_named
from pipeline.surroundings import read_surroundings
from schema.json_text import NotJson, parse
from schema.rows import (
    ChunkRow,
    EmotionRow,
    ErrorRow,
    EventRow,
    LatencyRow,
    Partition,
    Place,
    Rows,
    ScoreRow,
    SessionUserRow,
    UserAgentRow,
)

MOST_AHEAD = timedelta(hours=1)
"""A record may be dated so far beyond now, as Kafka's brokers let it unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A partition's line in the ledger."""

    next_offset: int = 0
    epoch: int = 0
    caught_up_at: datetime | None = None


class MemorySink:
    """Writes flushes of one application into dicts and lists; ``now`` gives naive UTC."""

    def __init__(self, now: Callable[[], datetime], policy: FoldPolicy) -> None:
        self._now = now
        self._policy = policy
        self.unjudged: dict[UUID, datetime | None] = {}
        self.marked_at: dict[UUID, datetime] = {}
        self.emotion_predictions: dict[tuple[UUID, datetime], EmotionRow] = {}
        self.experience_scores: dict[UUID, ScoreRow] = {}
        self.ledger: dict[Partition, Entry] = {}
        self.users: dict[UUID, Row] = {}
        self.sessions: dict[UUID, Row] = {}
        self.session_users: set[SessionUserRow] = set()
        self.user_agents: dict[bytes, UserAgentRow] = {}
        self.events: list[EventRow] = []
        self.results = MemoryResults(self.events)
        self.latency_metrics: list[LatencyRow] = []
        self.error_logs: list[ErrorRow] = []
        self.session_replay_chunks: dict[tuple[UUID, int], ChunkRow] = {}

    async def claim(self, partitions: Collection[Partition]) -> dict[Partition, Claim]:
        """See :meth:`pipeline.sinks.contract.Sink.claim`."""
        for partition in partitions:
            entry = self.ledger.get(partition, Entry())
            self.ledger[partition] = replace(entry, epoch=entry.epoch + 1)
        return {key: Claim(self.ledger[key].epoch, self.ledger[key].next_offset) for key in partitions}

    async def offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """See :meth:`pipeline.sinks.contract.Sink.offsets`."""
        return {partition: self.ledger.get(partition, Entry()).next_offset for partition in partitions}

    async def histories(self, session_ids: Collection[UUID], within_s: float) -> dict[UUID, History]:
        """See :meth:`pipeline.sinks.contract.Sink.histories`."""
        newest = {key: self.sessions[key]["last_event_time"] for key in session_ids if key in self.sessions}
        return {
            session_id: self._history(session_id, last, timedelta(seconds=within_s))
            for session_id, last in newest.items()
            if last is not None
        }

    async def known(self, ids: AbstractSet[SessionEvent]) -> set[SessionEvent]:
        """See :meth:`pipeline.sinks.contract.Sink.known`."""
        stored = ((row.session_id, row.event_uuid) for row in self.events)
        return {(session_id, key) for session_id, key in stored if key is not None and (session_id, key) in ids}

    async def known_chunks(self, chunks: AbstractSet[SessionChunk]) -> set[SessionChunk]:
        """See :meth:`pipeline.sinks.contract.Sink.known_chunks`."""
        return set(chunks & self.session_replay_chunks.keys())

    async def replay_tallies(self, session_ids: Collection[UUID]) -> dict[UUID, ReplayTally]:
        """See :meth:`pipeline.sinks.contract.Sink.replay_tallies`."""
        rows = [self.sessions[key] for key in session_ids if key in self.sessions]
        return {row["session_id"]: ReplayTally(row["chunk_count"], row["chunk_bytes"]) for row in rows}

    def prepare(self, flush: Flush) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.prepare`."""

    async def write(self, flush: Flush, meanwhile: Callable[[], None] = nothing) -> Written:
        """See :meth:`pipeline.sinks.contract.Sink.write`."""
        meanwhile()
        if self._is_written(flush):
            return Written({}, resolved=True)
        rows = await self._rows(flush)
        _refuse_unstorable(rows)
        known = set(self.results.rage_click_events)
        chunks = self._add(rows)
        for partition, span in flush.spans.items():
            was = self.ledger[partition].caught_up_at
            arrival = moment(span.arrival_us)
            is_known = arrival <= self._now() + MOST_AHEAD
            caught_up_at = min(arrival if was is None else max(was, arrival), self._now()) if is_known else was
            self.ledger[partition] = Entry(span.to_offset, span.epoch, caught_up_at)
        return Written.of(rows, chunks, len(self.results.rage_click_events.keys() - known))

    async def rejected(self, flush: Flush) -> dict[Place, str]:
        """See :meth:`pipeline.sinks.contract.Sink.rejected`."""

        async def trial(places: Iterable[Place]) -> str | None:
            try:
                _refuse_unstorable(await self._rows(flush.only(places)))
            except RowsRejected as refusal:
                return str(refusal)
            return None

        return await find_rejected(flush.places(), trial)

    async def mark_caught_up(self, claims: Mapping[Partition, Claim]) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.mark_caught_up`."""
        for partition, claim in claims.items():
            entry = self.ledger.get(partition)
            if entry is not None and (entry.epoch, entry.next_offset) == (claim.epoch, claim.next_offset):
                self.ledger[partition] = replace(entry, caught_up_at=self._now())

    async def end_quiet_sessions(self, timeout_s: float, topics: Collection[str]) -> int:
        """See :meth:`pipeline.sinks.contract.Sink.end_quiet_sessions`."""
        entries = [entry for partition, entry in self.ledger.items() if partition.topic in topics]
        marks = [entry.caught_up_at for entry in entries if entry.caught_up_at is not None]
        if not marks or len(marks) < len(entries):
            return 0
        limit = min(marks) - timedelta(seconds=timeout_s)
        quiet = [row for row in self.sessions.values() if row["end_time"] is None and row["last_record_at"] <= limit]
        for row in quiet:
            row |= ending(row)
            self._mark(row["session_id"], None)
        return len(quiet)

    async def judge(self, most: int) -> int:
        """See :meth:`pipeline.sinks.contract.Sink.judge`."""
        oldest = sorted(self.unjudged, key=lambda session_id: (self.marked_at[session_id], session_id))[:most]
        taken = {session_id: self.unjudged.pop(session_id) for session_id in oldest}
        changed = {session_id: microseconds(time) for session_id, time in taken.items() if time is not None}
        for row in emotions_since(changed, self.events, self.latency_metrics, self._policy.emotions):
            self.emotion_predictions[row.session_id, row.window_start] = row
        for session_id in taken:
            self.experience_scores.pop(session_id, None)
            if self.sessions[session_id]["end_time"] is not None:
                self.experience_scores[session_id] = self._score(session_id)
        return len(taken)

    async def waiting(self, most: int) -> Waiting:
        """See :meth:`pipeline.sinks.contract.Sink.waiting`."""
        times = [self.marked_at[session_id] for session_id in self.unjudged]
        age = self._now() - min(times, default=self._now())
        return Waiting(min(most, len(times)), age.total_seconds())

    async def close(self) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.close`."""

    async def _rows(self, flush: Flush) -> Rows:
        around = await read_surroundings(flush.events, self.results, self._policy.max_gap_us)
        rows = fold(flush.events, flush.chunks, around, self._policy)
        await keep_within_limit(rows, self.results, self._policy.window_keys)
        return rows

    def _mark(self, session_id: UUID, changed_from: datetime | None) -> None:
        if session_id not in self.unjudged:
            self.marked_at[session_id] = self._now()
        times = [time for time in (self.unjudged.get(session_id), changed_from) if time is not None]
        self.unjudged[session_id] = min(times, default=None)

    def _score(self, session_id: UUID) -> ScoreRow:
        emotions = self.emotion_predictions.values()
        evidence = evidence_of(session_id, self.events, self.latency_metrics, self.results, emotions)
        return score_row(session_id, evidence, self._policy.scores)

    def _history(self, session_id: UUID, last: datetime, within: timedelta) -> History:
        rows = (row for row in self.events if row.session_id == session_id)
        sent = [(row.client_time or row.timestamp, row.event_uuid) for row in rows]
        newest = max(time for time, _ in sent)
        ids = ((microseconds(time), key) for time, key in sent if key is not None and time >= newest - within)
        row = self.sessions[session_id]
        tally = (row["event_count"], row["action_count"], bool(row["device_id"]))
        return History(microseconds(last), microseconds(newest), tuple(ids), *tally)

    def _is_written(self, flush: Flush) -> bool:
        for partition, span in flush.spans.items():
            if self.ledger.get(partition, Entry()).epoch != span.epoch:
                raise Fenced(f"{partition.topic}[{partition.number}] has a newer owner")
        offsets = {partition: self.ledger[partition].next_offset for partition in flush.spans}
        if offsets == {key: span.to_offset for key, span in flush.spans.items()}:
            return True
        if offsets != {key: span.from_offset for key, span in flush.spans.items()}:
            raise LedgerMoved(f"the ledger stands at {offsets}")
        return False

    def _add(self, rows: Rows) -> int:
        """Add ``rows``; return how many replay chunks were new."""
        for user in rows.users:
            self.users[user.user_id] = merged_user(self.users.get(user.user_id), user)
        self.session_users |= {*rows.session_users}
        self.user_agents |= {row.digest: row for row in rows.user_agents}
        for session in rows.sessions:
            self.session_users |= several_named(self.sessions.get(session.session_id), session)
            arrived = min(session.last_arrival, self._now() + MOST_AHEAD)
            known = self.sessions.get(session.session_id)
            self.sessions[session.session_id] = merged_session(known, session._replace(last_arrival=arrived))
            self._mark(session.session_id, session.first_event)
        self.events += rows.events
        self.latency_metrics += rows.latency_metrics
        self.error_logs += rows.error_logs
        self.results.add(rows)
        before = len(self.session_replay_chunks)
        for chunk in sorted(rows.session_replay_chunks, key=lambda row: row.source_offset):
            self.session_replay_chunks.setdefault((chunk.session_id, chunk.chunk_index), chunk)
        return len(self.session_replay_chunks) - before


def _refuse_unstorable(rows: Rows) -> None:
    """Refuse what PostgreSQL would: JSONB that is no JSON, and NUL in texts."""
    for table in (rows.users, rows.sessions, rows.events, rows.latency_metrics, rows.error_logs):
        if any(isinstance(value, str) and "\0" in value for row in table for value in row):
            raise RowsRejected("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    try:
        for raw in [row.metadata for row in rows.events] + [row.chunk_data for row in rows.session_replay_chunks]:
            if raw is not None:
                parse(raw)
    except NotJson:
        raise RowsRejected("invalid input syntax for type json") from None
