"""Whether the ledger stands within the topics, for ``hxi doctor``."""

from collections.abc import Mapping
from typing import Literal

from agents.commands.topics_there import Topic
from pipeline.sinks.contract import Claim
from schema.rows import Partition

Ledger = Mapping[Partition, Claim]
Topics = Mapping[str, Topic]

Verdict = tuple[Literal["ok", "FAIL", "-"], str]

MOST_NAMED = 3
"""Partitions in one line."""


def compare(app_id: str, ledger: Ledger, topics: Topics) -> Verdict:
    """Return whether the ledger of ``app_id`` and its source topics, as far as they are there, belong together."""
    if not ledger:
        return "ok", f"no worker of {app_id} has claimed a partition yet"
    if any(not topic.bounds for topic in topics.values()):
        return "-", "not looked at: the broker does not tell where each partition begins and ends"
    problems = (*_ahead(app_id, ledger, topics), *_gone(app_id, ledger, topics), *_lost(ledger, topics))
    if problems:
        return "FAIL", ". ".join(problems)
    left = sum(_bounds(topics, key)[1] - claim.next_offset for key, claim in ledger.items() if _is_there(topics, key))
    new, unread = _new(ledger, topics)
    said = f"stands within the topics, {max(0, left) + unread} records before their ends"
    return "ok", f"{said}, {unread} of them in {_some(new)}, which no worker has claimed yet" if new else said


def _new(ledger: Ledger, topics: Topics) -> tuple[list[str], int]:
    """Return the partitions that the ledger has not, and how many records those hold."""
    new = [
        (Partition(name, number), end - first)
        for name, topic in sorted(topics.items())
        for number, (first, end) in sorted(topic.bounds.items())
        if Partition(name, number) not in ledger
    ]
    return [_named(key) for key, _ in new], sum(records for _, records in new)


def _ahead(app_id: str, ledger: Ledger, topics: Topics) -> list[str]:
    """Look for ledgers behind the ends of their partitions, also of a topic that is not there: workers refuse these."""
    found = []
    for key, claim in ledger.items():
        if key.topic not in topics and claim.next_offset:
            found.append(f"{_named(key)} at {claim.next_offset}, where there is no such topic")
        elif _is_there(topics, key) and claim.next_offset > _bounds(topics, key)[1]:
            found.append(f"{_named(key)} at {claim.next_offset}, which ends at {_bounds(topics, key)[1]}")
    if not found:
        return []
    return [
        f"the ledger stands ahead of {_some(found)}: the topic was deleted and made again, or database and broker do"
        " not belong together (one was restored, or is another's). Correct HXI_KAFKA_BOOTSTRAP or HXI_DATABASE_URL; or"
        " read the topics from their beginnings, with another HXI_APP_ID, or with"
        f" DELETE FROM hxi_state.ledger WHERE app_id = '{app_id}'"
    ]


def _gone(app_id: str, ledger: Ledger, topics: Topics) -> list[str]:
    """Look for partitions that their topic has no more: nobody reads them, and quiet sessions wait for that."""
    counts = {
        key.topic: topics[key.topic].partitions
        for key in ledger
        if key.topic in topics and key.number >= topics[key.topic].partitions
    }
    return [
        f"the ledger has partitions that {topic} has no more, made again with {count}: sessions do not end by quiet and"
        " nothing gets old while they are waited for. Stop the workers and run"
        f" DELETE FROM hxi_state.ledger WHERE app_id = '{app_id}' AND topic = '{topic}' AND partition >= {count}"
        for topic, count in counts.items()
    ]


def _lost(ledger: Ledger, topics: Topics) -> list[str]:
    """Look for records that were removed unread; a first look at an old topic misses none that there were to be had."""
    found = []
    for key, claim in ledger.items():
        if _is_there(topics, key) and (claim.next_offset or claim.epoch > 1):
            first = _bounds(topics, key)[0]
            if first > claim.next_offset:
                found.append(f"{first - claim.next_offset} of {_named(key)} from {claim.next_offset} on")
    if not found:
        return []
    return [
        f"DATA LOSS: records were removed before they were read, {_some(found)}. Workers go on behind the gap: raise"
        " the topic's retention.ms (or retention.bytes) before more is lost, and see why they were so far behind"
    ]


def _is_there(topics: Topics, key: Partition) -> bool:
    return key.topic in topics and key.number in topics[key.topic].bounds


def _bounds(topics: Topics, key: Partition) -> tuple[int, int]:
    """Return where the partition begins and ends; nothing is in one that is not there."""
    return topics[key.topic].bounds[key.number] if _is_there(topics, key) else (0, 0)


def _named(key: Partition) -> str:
    return f"{key.topic}[{key.number}]"


def _some(found: list[str]) -> str:
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more
