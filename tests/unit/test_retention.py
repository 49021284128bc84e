"""What a topic's configuration says of when its records are gone."""

import pytest

from agents.commands.retention import LOOKS_EVERY_MS, Retention

DAY_MS = 24 * 3600 * 1000
UNLIMITED = str(2**63 - 1)
DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * DAY_MS),
    "segment.ms": str(2 * DAY_MS),
    "max.compaction.lag.ms": UNLIMITED,
}


@pytest.mark.parametrize(
    ("configs", "is_compacted", "expires_ms"),
    [
        ({}, False, 9 * DAY_MS),
        ({"retention.ms": "0"}, False, 2 * DAY_MS),
        ({"retention.ms": "-1"}, False, None),
        ({"retention.ms": UNLIMITED}, False, None),
        ({"cleanup.policy": "compact"}, True, None),
        ({"cleanup.policy": "compact", "max.compaction.lag.ms": str(DAY_MS)}, True, DAY_MS),
        ({"cleanup.policy": "compact,delete"}, True, 9 * DAY_MS),
        ({"cleanup.policy": "delete,compact", "max.compaction.lag.ms": str(DAY_MS)}, True, DAY_MS),
        ({"cleanup.policy": "compact,delete", "retention.ms": "-1"}, True, None),
        ({"cleanup.policy": ""}, False, None),
    ],
)
def test_records_are_gone_when_the_first_of_the_policies_says(
    configs: dict[str, str], is_compacted: bool, expires_ms: int | None
) -> None:
    expected = Retention(is_compacted, None if expires_ms is None else expires_ms + LOOKS_EVERY_MS)
    assert Retention.of(DEFAULTS | configs) == expected
