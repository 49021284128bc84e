"""What Grafana makes of a query to PostgreSQL before it sends it: its macros and variables, filled in.

After Grafana's documentation of the PostgreSQL data source; a macro that is not known here is left as it is, and
PostgreSQL refuses it.
"""

import re
from collections.abc import Mapping
from datetime import datetime

INTERVAL_S = 60


def filled_in(query: str, start: datetime, end: datetime, variables: Mapping[str, str]) -> str:
    """Return the query for a range of time; each ``${name:sqlstring}`` is a text in quotes."""
    first, last = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in (start, end))
    for name, value in variables.items():
        query = query.replace(f"${{{name}:sqlstring}}", "'" + value.replace("'", "''") + "'")
    query = query.replace("$__interval_ms", f"{INTERVAL_S}000").replace("$__interval", f"'{INTERVAL_S}s'")
    query = query.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    query = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {first} AND {last}", query)
    group = rf"floor(extract(epoch from \1)/{INTERVAL_S})*{INTERVAL_S}"
    return re.sub(r"\$__timeGroupAlias\(([^,]+), '\d+s'(?:, 0)?\)", rf'{group} AS "time"', query)
