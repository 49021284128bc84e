"""The sink that counts: one PostgreSQL transaction per flush, guarded by the ledger.

In a flush's transaction: lock the ledger rows in sorted order and check the epoch, read what
the tables hold near the flush's events, merge users and sessions (sorted, so that writers
cannot deadlock), COPY what is only appended, merge results, swap the offsets, commit.
Progress and rows are the same transaction, so a crash at any point leaves either all of a
flush or nothing.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import UniqueViolation

from pipeline.crowded_windows import keep_within_limit
from pipeline.dedup import History, SessionEvent
from pipeline.flush import Flush
from pipeline.fold import FoldPolicy, fold_alone, fold_in_order
from pipeline.moments import microseconds, moment
from pipeline.seen_chunks import ReplayTally, SessionChunk
from pipeline.sinks.connection import Connection, answering, connect, fetch, session_name, translated
from pipeline.sinks.contract import (
    Claim,
    Fenced,
    LedgerMoved,
    Observer,
    RowsRejected,
    Waiting,
    Written,
    find_rejected,
    nothing,
)
from pipeline.sinks.judging import judge_sessions
from pipeline.sinks.nearby import NearbyInPostgres
from pipeline.sinks.tables import write_rows
from pipeline.sinks.watching import watched
from pipeline.surroundings import read_surroundings
from schema.rows import Partition, Place
from schema.sql import query


class PostgresSink:
    """Writes flushes of one application into the database at ``url``, results as ``policy`` says."""

    def __init__(self, url: str, app_id: str, policy: FoldPolicy, observer: Observer | None = None) -> None:
        self._observer = observer or Observer()
        self._url = url
        self._app_id = app_id
        self._policy = policy
        self._connections: dict[str, Connection] = {}

    async def claim(self, partitions: Collection[Partition]) -> dict[Partition, Claim]:
        """See :meth:`pipeline.sinks.contract.Sink.claim`."""
        rows = await self._read("claim", **self._places(partitions))
        return {Partition(topic, number): Claim(epoch, next_offset) for topic, number, next_offset, epoch in rows}

    async def offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """See :meth:`pipeline.sinks.contract.Sink.offsets`."""
        url, name = self._url, session_name(self._app_id, "watch")  # of its own: the reader's waits, in a claim
        async with translated(), await connect(url, name) as connection:
            with answering(connection):
                rows = await fetch(connection, "ledger_offsets", **self._places(partitions))
        return dict.fromkeys(partitions, 0) | {Partition(topic, number): at for topic, number, at in rows}

    async def histories(self, session_ids: Collection[UUID], within_s: float) -> dict[UUID, History]:
        """See :meth:`pipeline.sinks.contract.Sink.histories`."""
        rows = await self._read("seen_ids", session_ids=list(session_ids), within_s=within_s)
        known = {session_id: others for session_id, *others, _, _ in rows}
        ids: dict[UUID, list[tuple[int, UUID]]] = {session_id: [] for session_id in known}
        for session_id, *_, client, event_uuid in rows:
            if event_uuid is not None:
                ids[session_id].append((microseconds(client), event_uuid))
        return {
            session_id: History(microseconds(newest), microseconds(client), tuple(ids[session_id]), *tally)
            for session_id, (newest, client, *tally) in known.items()
        }

    async def known(self, ids: AbstractSet[SessionEvent]) -> set[SessionEvent]:
        """See :meth:`pipeline.sinks.contract.Sink.known`."""
        pairs = list(ids)
        rows = await self._read(
            "known_ids",
            session_ids=[session_id for session_id, _ in pairs],
            event_uuids=[event_uuid for _, event_uuid in pairs],
        )
        return {(session_id, event_uuid) for session_id, event_uuid in rows}

    async def known_chunks(self, chunks: AbstractSet[SessionChunk]) -> set[SessionChunk]:
        """See :meth:`pipeline.sinks.contract.Sink.known_chunks`."""
        pairs = list(chunks)
        rows = await self._read(
            "known_chunks",
            session_ids=[session_id for session_id, _ in pairs],
            chunk_indexes=[index for _, index in pairs],
        )
        return {(session_id, index) for session_id, index in rows}

    async def replay_tallies(self, session_ids: Collection[UUID]) -> dict[UUID, ReplayTally]:
        """See :meth:`pipeline.sinks.contract.Sink.replay_tallies`."""
        rows = await self._read("replay_tallies", session_ids=list(session_ids))
        return {session_id: ReplayTally(*tally) for session_id, *tally in rows}

    def prepare(self, flush: Flush) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.prepare`."""
        flush.rows = fold_alone(flush.events, flush.chunks, self._policy)

    async def write(self, flush: Flush, meanwhile: Callable[[], None] = nothing) -> Written:
        """See :meth:`pipeline.sinks.contract.Sink.write`."""
        async with self._on("writer") as connection, self._skipping_taken_ids():
            self._observer.began()
            written = await self._write(connection, flush, meanwhile)
            self._observer.ended("commit")
        return written

    async def rejected(self, flush: Flush) -> dict[Place, str]:
        """See :meth:`pipeline.sinks.contract.Sink.rejected`."""

        async def trial(places: Iterable[Place]) -> str | None:
            try:
                async with (
                    self._on("writer") as connection,
                    connection.transaction(force_rollback=True),
                    connection.cursor() as cursor,
                ):
                    self._observer.began()
                    await self._write_rows(cursor, flush.only(places))
            except RowsRejected as refusal:
                return str(refusal)
            return None

        return await find_rejected(flush.places(), trial)

    async def mark_caught_up(self, claims: Mapping[Partition, Claim]) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.mark_caught_up`."""
        await self._run(
            "mark_caught_up",
            **self._places(claims),
            epochs=[claim.epoch for claim in claims.values()],
            next_offsets=[claim.next_offset for claim in claims.values()],
        )

    async def end_quiet_sessions(self, timeout_s: float, topics: Collection[str]) -> int:
        """See :meth:`pipeline.sinks.contract.Sink.end_quiet_sessions`."""
        return await self._run("end_quiet_sessions", app_id=self._app_id, timeout_s=timeout_s, topics=list(topics))

    async def judge(self, most: int) -> int:
        """See :meth:`pipeline.sinks.contract.Sink.judge`."""
        async with self._on("judge") as connection, self._skipping_taken_ids():
            judged = await judge_sessions(connection, most, self._policy)
        self._observer.wrote(judged.rows_by_table)
        return judged.sessions

    async def waiting(self, most: int) -> Waiting:
        """See :meth:`pipeline.sinks.contract.Sink.waiting`."""
        ((sessions, oldest_s),) = await self._read("waiting_to_be_judged", most=most)
        return Waiting(sessions, max(0.0, oldest_s))

    async def close(self) -> None:
        """See :meth:`pipeline.sinks.contract.Sink.close`."""
        for connection in self._connections.values():
            await connection.close()

    @asynccontextmanager
    async def _skipping_taken_ids(self) -> AsyncIterator[None]:
        """Let the next attempt succeed where others have inserted rows with the ids that came next."""
        try:
            yield
        except UniqueViolation:
            await self._run("skip_taken_ids")
            raise

    async def _write(self, connection: Connection, flush: Flush, meanwhile: Callable[[], None]) -> Written:
        async with connection.transaction(), connection.cursor() as cursor:
            if await self._is_written(cursor, flush):
                return Written({}, resolved=True)
            written = await self._write_rows(cursor, flush, meanwhile)
            await self._swap(cursor, flush)
        return written

    async def _write_rows(
        self, cursor: psycopg.AsyncCursor[Any], flush: Flush, meanwhile: Callable[[], None] = nothing
    ) -> Written:
        self._observer.ended("lock")
        nearby = NearbyInPostgres(cursor.connection)
        around = await read_surroundings(flush.events, nearby, self._policy.max_gap_us)
        rows = flush.rows or fold_alone(flush.events, flush.chunks, self._policy)
        await keep_within_limit(rows, nearby, self._policy.window_keys)
        self._observer.ended("fold")

        def fold_on() -> None:
            fold_in_order(rows, around, self._policy)
            meanwhile()

        written = await write_rows(cursor, rows, around.sessions_read, fold_on)
        self._observer.ended("copy")
        return written

    async def _is_written(self, cursor: psycopg.AsyncCursor[Any], flush: Flush) -> bool:
        """Lock the flush's ledger rows; True where an earlier attempt had committed after all."""
        await cursor.execute(query("lock_ledger"), self._places(flush.spans))
        ledger = {Partition(t, p): (epoch, at) for t, p, at, epoch in await cursor.fetchall()}
        for partition, span in flush.spans.items():
            if ledger.get(partition, (None, None))[0] != span.epoch:
                raise Fenced(f"{partition.topic}[{partition.number}] has a newer owner")
        offsets = {partition: at for partition, (_, at) in ledger.items()}
        if offsets == {key: span.to_offset for key, span in flush.spans.items()}:
            return True
        if offsets != {key: span.from_offset for key, span in flush.spans.items()}:
            raise LedgerMoved(f"the ledger stands at {offsets}")
        return False

    async def _swap(self, cursor: psycopg.AsyncCursor[Any], flush: Flush) -> None:
        spans = flush.spans.values()
        parameters = self._places(flush.spans) | {
            "epochs": [span.epoch for span in spans],
            "from_offsets": [span.from_offset for span in spans],
            "to_offsets": [span.to_offset for span in spans],
            "arrivals": [moment(span.arrival_us) for span in spans],
        }
        await cursor.execute(query("swap_offsets"), parameters)
        if cursor.rowcount != len(spans):
            raise Fenced("the ledger moved during the flush")

    def _places(self, partitions: Iterable[Partition]) -> dict[str, Any]:
        places = list(partitions)
        return {
            "app_id": self._app_id,
            "topics": [place.topic for place in places],
            "partitions": [place.number for place in places],
        }

    async def _read(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with self._on("reader") as connection:
            return await fetch(connection, name, **parameters)

    async def _run(self, name: str, **parameters: Any) -> int:
        async with self._on("reader") as connection:
            return (await connection.execute(query(name), parameters)).rowcount

    @asynccontextmanager
    async def _on(self, role: str) -> AsyncIterator[Connection]:
        """Give the connection for ``role``, translate its errors, and watch over it."""
        async with translated():
            connection = await self._connected(role)
            async with watched(connection, self._url, self._app_id):
                yield connection

    async def _connected(self, role: str) -> Connection:
        """Return the connection for ``role``, which PostgreSQL shows in its name; a new one where the last is gone."""
        known = self._connections.get(role)
        if known is not None and not (known.broken or known.closed):
            return known
        connection = await connect(self._url, session_name(self._app_id, role))
        if role == "writer":
            with answering(connection):
                await connection.execute(query("staging"))
            connection.is_prompt = True
        self._connections[role] = connection
        return connection
