"""The named moments of a worker's conversation with its servers, at which faults strike."""

from collections.abc import Callable

from schema.sql import query
from tests.servers.conversations import Request
from tests.servers.link import Moment

PRODUCE = "0"
OFFSET_COMMIT = "8"


def during_copy() -> Moment:
    """Rows of a flush are on their way."""
    return Moment(lambda request: request.kind == "d" and request.statement.startswith("COPY events "))


def before_commit() -> Moment:
    """A flush is written, but for its commit."""
    return Moment(lambda request: request.statement == "COMMIT" and request.client.endswith(" writer"))


def after_commit() -> Moment:
    """PostgreSQL has committed a flush, and its answer is on the way."""
    return Moment(before_commit().matches, answered=True)


def before_ack() -> Moment:
    """A flush is committed, and Kafka's group offset is about to follow."""
    return Moment(lambda request: request.kind == OFFSET_COMMIT)


def before_dead_letters() -> Moment:
    """Dead letters are on their way to the broker."""
    return Moment(lambda request: request.kind == PRODUCE)


def after_dead_letters() -> Moment:
    """The broker has dead letters, and the flush that they belong to has not begun."""
    return Moment(before_dead_letters().matches, answered=True)


def during_claim() -> Moment:
    """The ledger's epochs have been raised, and the claimant was not told yet."""
    return Moment(_running("claim"), answered=True)


def during_recovery() -> Moment:
    """A worker asks what sessions did before its time."""
    return Moment(_running("seen_ids"))


def during_judgement() -> Moment:
    """Emotions are judged and about to be written."""
    return Moment(_running("merge_emotions"))


def after_judgement() -> Moment:
    """PostgreSQL has committed judgements, and its answer is on the way."""
    judging = _running("merge_emotions")
    judged = False

    def matches(request: Request) -> bool:
        nonlocal judged
        judged |= judging(request)
        return judged and request.statement == "COMMIT" and request.client.endswith(" judge")

    return Moment(matches, answered=True)


def _running(name: str) -> Callable[[Request], bool]:
    """Match the named query: each begins with a line that says what it is for."""
    line = query(name).splitlines()[0]
    return lambda request: request.statement.startswith(line)


NAMED = {
    "during COPY": during_copy,
    "before COMMIT": before_commit,
    "between COMMIT and its answer": after_commit,
    "between commit and ack": before_ack,
    "before dead letters": before_dead_letters,
    "between dead letters and their flush": after_dead_letters,
    "during a claim": during_claim,
    "during recovery": during_recovery,
    "during judgement": during_judgement,
    "between a judgement's COMMIT and its answer": after_judgement,
}

AT_THE_START = {"during a claim", "during recovery"}
"""Moments that come only when a worker begins."""
