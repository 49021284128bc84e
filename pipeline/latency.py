"""Decides what a flush adds to latency rollups: calls per minute, screen and endpoint.

Counts, sums and the bins of a DDSketch (Masson, Rim and Lee, VLDB 2019) add up in any order and
over any windows; averages and percentiles do not, so those are worked out when asked for.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from ddsketch.mapping import LogarithmicMapping

from pipeline.moments import moment
from pipeline.short_texts import remembered
from pipeline.windows import window_start
from schema.fields import US_PER_S
from schema.rows import ApiCall, KeptEvent, LatencyWindowRow

WINDOW_US = 60 * US_PER_S

RELATIVE_ERROR = 0.01
"""Of a percentile, at most; the contract allows 2 %. ``schema/sql/migrations/0004`` states it again."""

ZERO_BIN = -1
"""For calls of 0 ms, of which no logarithm can be taken; 1 ms is in bin 0."""

MOST_ENDPOINT_CHARACTERS = 255
"""Longer endpoints are told apart by so many: an index entry has no room for more."""

_bins = LogarithmicMapping(RELATIVE_ERROR)
_bin_of = lru_cache(maxsize=65_536)(_bins.key)

_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*")
_NUMBER = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class _Window:
    __slots__ = ("bins", "calls", "errors", "max_ms", "min_ms", "satisfied", "sum_ms", "tolerating")

    def __init__(self, first_ms: int) -> None:
        self.calls = self.errors = self.sum_ms = self.satisfied = self.tolerating = 0
        self.min_ms = self.max_ms = first_ms
        self.bins: dict[int, int] = {}


def latency_rows(events: Iterable[KeptEvent], apdex_t_ms: int) -> list[LatencyWindowRow]:
    """Return what the calls among ``events`` add, each window once.

    ``apdex_t_ms``: up to so many milliseconds a caller is satisfied, up to four times so many tolerating
    (Apdex technical specification 1.1).
    """
    windows: dict[tuple[int, str | None, str], _Window] = {}
    for event in events:
        if event.api_call is not None:
            endpoint = normalised(event.api_call.api_endpoint)
            key = (window_start(event.time_us, WINDOW_US), event.screen_name, endpoint)
            window = windows.get(key)
            if window is None:
                window = windows[key] = _Window(event.api_call.latency_ms)
            _add(window, event.api_call, apdex_t_ms)
    return [_row(*key, window) for key, window in windows.items()]


@remembered
def normalised(api_endpoint: str) -> str:
    """Return an endpoint without query and fragment, ids in its path replaced by ``:id``.

    Ids are numbers, UUIDs and long hexadecimal numbers: of 8 digits and more where a decimal one is
    among them (no English word is), of 16 and more in any case.
    """
    url = re.split(r"[?#]", api_endpoint, maxsplit=1)[0]
    host = _HOST.match(url)
    start = host.end() if host else 0
    return (url[:start] + "/".join(map(_without_id, url[start:].split("/"))))[:MOST_ENDPOINT_CHARACTERS]


def is_failure(status_code: int) -> bool:
    """Return whether a call failed: no response, or the server's own error."""
    return status_code == 0 or status_code >= 500


def _without_id(segment: str) -> str:
    if _NUMBER.fullmatch(segment) or _UUID.fullmatch(segment):
        return ":id"
    if _HEX.fullmatch(segment) and (len(segment) >= 16 or not segment.isalpha()):
        return ":id"
    return segment


def _add(window: _Window, call: ApiCall, apdex_t_ms: int) -> None:
    latency_ms = call.latency_ms
    window.calls += 1
    window.errors += is_failure(call.status_code)
    window.sum_ms += latency_ms
    window.satisfied += latency_ms <= apdex_t_ms
    window.tolerating += apdex_t_ms < latency_ms <= 4 * apdex_t_ms
    window.min_ms = min(window.min_ms, latency_ms)
    window.max_ms = max(window.max_ms, latency_ms)
    number = _bin_of(latency_ms) if latency_ms > 0 else ZERO_BIN
    window.bins[number] = window.bins.get(number, 0) + 1


def _row(start_us: int, screen_name: str | None, endpoint: str, window: _Window) -> LatencyWindowRow:
    bins = sorted(window.bins)
    return LatencyWindowRow(
        moment(start_us),
        screen_name,
        endpoint,
        window.calls,
        window.errors,
        window.min_ms,
        window.max_ms,
        window.sum_ms,
        window.satisfied,
        window.tolerating,
        bins,
        [window.bins[number] for number in bins],
    )
