"""The shop's servers: how long each endpoint takes, how often it fails, and its bad times."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final

_SPELL_MS: Final = 600_000
_DAY_MS: Final = 86_400_000
_SLOW_DAYS: Final = 0.1
_SLOW_SPELLS: Final = 0.05
# A client gives up after this long and reports status 0.
TIMEOUT_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint in calm times; latency is log-normal.

    Attributes:
        method: HTTP method that the shop uses.
        median_ms: Half of the calls are faster.
        spread: Standard deviation of the latency's logarithm.
        failure_rate: Share of calls that the server fails.
        refusal_rate: Share of calls that it refuses as the client's mistake.
    """

    method: str
    median_ms: float
    spread: float
    failure_rate: float
    refusal_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ended: status 0 when no response came."""

    latency_ms: int
    status_code: int

    @property
    def failed(self) -> bool:
        """Whether the server is at fault."""
        return self.status_code == 0 or self.status_code >= 500


ENDPOINTS: Final = {
    "/api/home": Endpoint("GET", 90, 0.45, 0.004),
    "/api/recommendations": Endpoint("GET", 260, 0.7, 0.015),
    "/api/products": Endpoint("GET", 150, 0.5, 0.006),
    "/api/products/:id": Endpoint("GET", 85, 0.4, 0.004, 0.006),
    "/api/products/:id/stock": Endpoint("GET", 60, 0.5, 0.01),
    "/api/products/:id/reviews": Endpoint("GET", 190, 0.6, 0.01),
    "/api/cart": Endpoint("GET", 80, 0.5, 0.006),
    "/api/cart/items": Endpoint("POST", 120, 0.5, 0.012),
    "/api/cart/promo": Endpoint("POST", 140, 0.5, 0.01, 0.35),
    "/api/shipping": Endpoint("GET", 310, 0.6, 0.02),
    "/api/orders": Endpoint("POST", 720, 0.6, 0.03, 0.05),
    "/api/account": Endpoint("GET", 110, 0.4, 0.006),
    "/api/login": Endpoint("POST", 240, 0.5, 0.008),
    "/api/help": Endpoint("GET", 70, 0.4, 0.003),
    "/api/contact": Endpoint("POST", 180, 0.5, 0.01, 0.08),
    "/api/search": Endpoint("GET", 280, 0.8, 0.012),
}
_STATUS_WHEN_FAILED: Final = (500, 500, 502, 503, 503, 504, 0)
_STATUS_WHEN_REFUSED: Final = {"GET": (404,), "POST": (400, 409, 422, 422, 429)}


@lru_cache(maxsize=8192)
def slowness(seed: int, path: str, spell: int) -> float:
    """Return the factor of an endpoint's latency in one spell of ten minutes: 1 when all is well.

    A spell's trouble is the endpoint's own; a slow day is everyone's.
    """
    day = Random(f"day {seed} {spell * _SPELL_MS // _DAY_MS}")
    own = Random(f"spell {seed} {path} {spell}")
    factor = day.uniform(1.6, 2.8) if day.random() < _SLOW_DAYS else 1.0
    return factor * own.uniform(3.0, 9.0) if own.random() < _SLOW_SPELLS else factor


def ask(rng: Random, path: str, at_ms: int, seed: int) -> Reply:
    """Draw the reply to a call that is made at the given time."""
    endpoint, factor = ENDPOINTS[path], slowness(seed, path, at_ms // _SPELL_MS)
    latency_ms = int(endpoint.median_ms * factor * rng.lognormvariate(0.0, endpoint.spread)) + 1
    draw = rng.random() - endpoint.failure_rate * factor
    if latency_ms >= TIMEOUT_MS:
        return Reply(TIMEOUT_MS, 0)
    if draw < 0:
        status = rng.choice(_STATUS_WHEN_FAILED)
        return Reply(TIMEOUT_MS if status == 0 else latency_ms, status)
    if draw < endpoint.refusal_rate:
        return Reply(latency_ms, rng.choice(_STATUS_WHEN_REFUSED[endpoint.method]))
    return Reply(latency_ms, 201 if endpoint.method == "POST" else 200)
