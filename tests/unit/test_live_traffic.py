"""Traffic that goes on until stopped keeps to the clock: it neither runs ahead of it nor holds anything back."""

import pytest

from agents.commands import generate
from agents.commands.generate import as_it_comes
from pipeline.simulation import Traffic, simulate

START_MS = 1_700_000_000_000
FINEST_MS = 10


class _Clock:
    """Stands until somebody sleeps."""

    def __init__(self, ms: int) -> None:
        self._s = ms / 1000

    def time(self) -> float:
        return self._s

    def sleep(self, seconds: float) -> None:
        self._s += seconds


@pytest.mark.parametrize("slow_ms", [0, 5_000], ids=["in time", "behind at first"])
def test_a_record_goes_when_its_time_comes(monkeypatch: pytest.MonkeyPatch, slow_ms: int) -> None:
    clock = _Clock(START_MS + slow_ms)
    monkeypatch.setattr(generate, "time", clock)
    busy_shop = simulate(Traffic(sessions_per_minute=600, replay=True), events=3_000, seed=1, start_ms=START_MS)
    waits = [clock.time() * 1000 - delivery.sent_at_ms for delivery in as_it_comes(busy_shop)]
    assert min(waits) >= -0.001
    assert waits[-1] <= FINEST_MS
