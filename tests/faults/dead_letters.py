"""The judgement on dead letters: each is there, nothing else is, and none more often than can be explained."""

from collections import Counter
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from schema.rows import Partition, Place
from tests.deployment import Deployment
from tests.faults.accounting import Topics

Letter = tuple[Place, str, bytes]
"""A dead letter's place, reason and bytes."""


class Copies(Enum):
    """How often a dead letter may be there."""

    ONCE = auto()
    """No worker was killed, cut off or relieved of a partition."""

    ONCE_PER_CLAIM = auto()
    """Who claims a partition reads what was not settled, and refuses it again."""

    ANY = auto()
    """Where a broker was out of reach besides, what it may have taken is sent again."""


def assert_dead_letters(
    deployment: Deployment, topics: Topics, copies: Copies = Copies.ANY, gone: Topics | None = None
) -> None:
    """Check that everything refused is in the dead letters with its place, reason and bytes, as often as it may be.

    What is ``gone`` from the topics may have been refused before, or not.
    """
    expected, actual = _refused(topics), Counter(map(_letter, deployment.records("DEAD_LETTER")))
    allowed = expected.keys() | (_refused(gone).keys() if gone else set())
    missing, extra = expected - actual, actual.keys() - allowed
    assert not missing | dict.fromkeys(extra), f"{len(missing)} dead letters are missing, {len(extra)} too many"
    if copies is not Copies.ANY:
        claims = _claims(deployment) if copies is Copies.ONCE_PER_CLAIM else {}
        assert_copies(actual, expected, claims)


def assert_copies(actual: Counter[Letter], expected: Counter[Letter], claims: Mapping[Partition, int]) -> None:
    """Check that no dead letter is there more often than it was refused, or than its partition was claimed."""
    often = {
        letter: count
        for letter, count in actual.items()
        if count > max(expected[letter], 1) * claims.get(letter[0].partition, 1)
    }
    assert not often, f"{len(often)} dead letters are there too often, such as {next(iter(often.items()))}"


def _claims(deployment: Deployment) -> dict[Partition, int]:
    rows = deployment.query(
        "SELECT topic, partition, epoch FROM hxi_state.ledger WHERE app_id = %s", deployment.environment["HXI_APP_ID"]
    )
    return {Partition(topic, number): epoch for topic, number, epoch in rows}


def _refused(topics: Topics) -> Counter[Letter]:
    return Counter((letter.place, letter.reason.value, letter.value or b"") for letter in topics.decoded.dead_letters)


def _letter(record: Any) -> Letter:
    headers = {name: value.decode() for name, value in record.headers}
    index = int(headers["source_index"]) if "source_index" in headers else None
    partition = Partition(headers["source_topic"], int(headers["source_partition"]))
    return Place(partition, int(headers["source_offset"]), index), headers["reason"], record.value or b""
