"""An audit fails for a known weakness, and says so where nothing could be looked up."""

from typing import Any

import pytest

from tests.audit import verdict

SAFE = {"name": "good", "version": "1", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "not found"}
WEAK = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SAFE, SKIPPED], 0, "1 of 2 packages audited, 0 vulnerable."),
        ([SAFE, WEAK], 1, "bad 2: PYSEC-1, mended in 2.1\n2 of 2 packages audited, 1 vulnerable."),
        ([SKIPPED], 0, "NOT AUDITED: the index has no advisories about any of 1 packages."),
    ],
)
def test_the_verdict_is_about_what_was_looked_up(
    found: list[dict[str, Any]], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(found) == code
    assert capsys.readouterr().out.strip() == said
