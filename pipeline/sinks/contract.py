"""What a sink promises: all of a flush or none of it, once, under the newest claim only."""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from pipeline.dedup import History, SessionEvent
from pipeline.flush import Flush
from pipeline.seen_chunks import ReplayTally, SessionChunk
from schema.rows import Partition, Place, Rows


class Fenced(Exception):
    """Another owner has claimed a partition of this flush since; nothing was written."""


class LedgerMoved(Exception):
    """The ledger stands elsewhere than this owner left it (a failover to an older replica)."""


class RowsRejected(Exception):
    """The database refused the rows themselves; nothing was written."""


class Unavailable(Exception):
    """The database cannot be reached or is in no state to write; try again later."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write a partition from ``next_offset`` on, until a later claim."""

    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a flush came to. ``resolved``: an earlier attempt had committed after all.

    ``folded_latencies``: rows of crowded latency windows that were counted under ``other``.
    """

    rows_by_table: Mapping[str, int]
    repeated_chunks: int = 0
    resolved: bool = False
    folded_latencies: int = 0
    new_rage_clicks: int = 0

    @classmethod
    def of(cls, rows: Rows, new_chunks: int, new_rage_clicks: int) -> "Written":
        """Return the account of ``rows``: of its replay chunks and rage clicks, so many were not there before."""
        counts = {
            "users": len(rows.users),
            "sessions": len(rows.sessions),
            "events": len(rows.events),
            "rage_click_events": len(rows.rage_click_events),
            "heatmap_points": len(rows.heatmap_points),
            "journey_steps": len(rows.journey_steps),
            "latency_metrics": len(rows.latency_metrics),
            "latency_rollups": len(rows.latency_windows),
            "error_logs": len(rows.error_logs),
            "session_replay_chunks": new_chunks,
        }
        repeated_chunks = len(rows.session_replay_chunks) - new_chunks
        return cls(
            counts,
            repeated_chunks=repeated_chunks,
            folded_latencies=rows.folded_latencies,
            new_rage_clicks=new_rage_clicks,
        )


Phase = Literal["lock", "fold", "copy", "commit"]
"""Of :meth:`Sink.write`, in order: the ledger's rows are locked, results worked out, rows written, all is committed."""


class Observer:
    """Takes note of how a sink spends its time, and of what it wrote beside flushes; this one does not."""

    def began(self) -> None:
        """A transaction that writes a flush begins."""

    def ended(self, phase: Phase) -> None:
        """It has come to the end of ``phase``."""

    def wrote(self, rows_by_table: Mapping[str, int]) -> None:
        """Rows were committed that belong to no flush."""


class Waiting(NamedTuple):
    """How many sessions wait to be judged, and for how many seconds the first of them has."""

    sessions: int
    oldest_s: float


def nothing() -> None:
    """Do nothing."""


class Sink(Protocol):
    """Every call raises :class:`Unavailable` where trying again may help."""

    async def claim(self, partitions: Collection[Partition]) -> dict[Partition, Claim]:
        """Fence every earlier owner of ``partitions`` and say where to begin."""
        ...

    async def offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Return where the ledger of ``partitions`` stands, also while others hold it; 0 where there is none yet."""
        ...

    async def histories(self, session_ids: Collection[UUID], within_s: float) -> dict[UUID, History]:
        """Return what the tables know of sessions, and the ids within ``within_s`` of the newest of each.

        Sessions without events are left out.
        """
        ...

    async def known(self, ids: AbstractSet[SessionEvent]) -> set[SessionEvent]:
        """Return those of ``ids`` that are in the events table."""
        ...

    async def known_chunks(self, chunks: AbstractSet[SessionChunk]) -> set[SessionChunk]:
        """Return those of ``chunks`` that are in the table of replay chunks."""
        ...

    async def replay_tallies(self, session_ids: Collection[UUID]) -> dict[UUID, ReplayTally]:
        """Return how many replay chunks were written of sessions, and their bytes; those not known are left out."""
        ...

    def prepare(self, flush: Flush) -> None:
        """Do of :meth:`write` what depends on nothing but ``flush``; may be left out."""
        ...

    async def write(self, flush: Flush, meanwhile: Callable[[], None] = nothing) -> Written:
        """Write ``flush``, once however often it is tried; call ``meanwhile`` while the database is busy with it.

        Raises:
            Fenced: another owner has a newer claim.
            LedgerMoved: the ledger is neither where the flush begins nor where it ends.
            RowsRejected: the rows cannot be stored; :meth:`rejected` finds which.
        """
        ...

    async def rejected(self, flush: Flush) -> dict[Place, str]:
        """Return the places whose rows cannot be stored, each with the database's reason."""
        ...

    async def mark_caught_up(self, claims: Mapping[Partition, Claim]) -> None:
        """Note that nothing beyond each claim's ``next_offset`` was unread just now."""
        ...

    async def end_quiet_sessions(self, timeout_s: float, topics: Collection[str]) -> int:
        """End sessions without a record for ``timeout_s`` on ``topics``; return how many ended."""
        ...

    async def judge(self, most: int) -> int:
        """Judge up to ``most`` of the sessions that have changed since they were; return how many there were.

        A window of a session has one prediction of its emotion, of all events there are, ended or not. A
        session that has ended has one score, of its latest state; one that is open has none.
        """
        ...

    async def waiting(self, most: int) -> Waiting:
        """Return how many sessions wait to be judged, ``most`` where there are more, and for how long the first has."""
        ...

    async def close(self) -> None:
        """Let go of connections; what was not committed is not written."""
        ...


async def find_rejected(places: list[Place], refusal: "Trial") -> dict[Place, str]:
    """Bisect ``places`` for those that are refused alone, asking ``refusal`` about subsets."""
    if not places:
        return {}
    reason = await refusal(places)
    if reason is None:
        return {}
    if len(places) == 1:
        return {places[0]: reason}
    half = len(places) // 2
    first = await find_rejected(places[:half], refusal)
    return first | await find_rejected(places[half:], refusal)


class Trial(Protocol):
    """Writes the rows of some places, takes them back, and tells why they were refused."""

    async def __call__(self, places: Iterable[Place], /) -> str | None:
        """Return None where the rows can be stored."""
        ...
