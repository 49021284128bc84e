"""The questions of ``docs/analysts.md`` and the query of each, as they are written there."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/analysts.md"

_ASKED = re.compile(r"^### \d+\. (?P<question>[^\n]+)\n```sql\n(?P<query>.+?);\n```$", re.MULTILINE | re.DOTALL)


def questions() -> dict[str, str]:
    """Return every query by its question, in the page's order."""
    return {found["question"]: found["query"] for found in _ASKED.finditer(PAGE.read_text("utf-8"))}
