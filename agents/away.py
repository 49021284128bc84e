"""Who is away and what waits for that; and the log of it: a line when a server goes, a line when it is back.

However often something is tried, and however often a server comes and goes, there is at most one line of its going in
ten seconds, and one a minute while it stays away.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.advice import advised, advised_of_broker, is_refusal

logger = logging.getLogger(__name__)

AT_MOST_EVERY_S = 10.0
"""For what is new: a server that goes, or fails in another way."""

REMIND_EVERY_S = 60.0


@dataclass(slots=True)
class _Outage:
    """Of one server: from its first failure until nothing waits for it any more; ``error`` is what was said of it."""

    began_s: float
    failures: int = 0
    error: str | None = None
    is_refusal: bool = False
    """The server answers, and forbids what we want."""


@dataclass(slots=True)
class _Server:
    name: str
    address: str = ""
    outage: _Outage | None = None
    said_s: float = float("-inf")
    unsaid: int = 0
    """Outages since then that were over before they could be said."""

    def __str__(self) -> str:
        return f"{self.name} at {self.address}" if self.address else self.name


class Away:
    """Servers that do not answer at this moment, and what waits for them."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._servers = {name: _Server(name) for name in ("database", "broker")}
        self._waiting: dict[object, tuple[_Server, str]] = {}

    def locate(self, **addresses: str) -> None:
        """Note where each server is, for the log."""
        for name, address in addresses.items():
            self._servers[name].address = address

    def note(self, who: object, target: str, what: str, error: Exception | None = None) -> None:
        """Note that ``target`` does not answer, so that ``what`` has to wait; say so unless that has been said."""
        server = self._server(target)
        self._waiting[who] = (server, what)
        if server.outage is None:
            server.outage = _Outage(self._now_s())
        server.outage.failures += 1
        server.outage.is_refusal = error is not None and is_refusal(error)
        self._say(server, server.outage, what, "no answer" if error is None else _told(server, error))

    def forget(self, who: object, target: str | None = None) -> None:
        """Note that ``who`` has been answered; say so where nothing else waits for the same server, ``target``."""
        waited = self._waiting.pop(who, None)
        server = waited[0] if waited else target and self._server(target)
        if server and server.outage is not None and not any(other is server for other, _ in self._waiting.values()):
            self._end(server, server.outage)

    def give_up(self, who: object) -> None:
        """Note that ``who`` waits no longer, answered or not."""
        self._waiting.pop(who, None)

    def reason(self) -> str | None:
        """Return who is away and what waits for that, None where all answer; no addresses, no errors."""
        for server, what in self._waiting.values():
            verb = "forbids it" if server.outage is not None and server.outage.is_refusal else "does not answer"
            return f"the {server.name} {verb}; what waits for it: {what}"
        return None

    def _server(self, target: str) -> _Server:
        return self._servers["database" if target == "database" else "broker"]

    def _say(self, server: _Server, outage: _Outage, what: str, error: str) -> None:
        now_s = self._now_s()
        if now_s - server.said_s < (REMIND_EVERY_S if outage.error == error else AT_MOST_EVERY_S):
            return
        is_first = outage.error is None
        server.said_s, outage.error = now_s, error
        fields = {"server": server.name, "address": server.address, "failures": outage.failures}
        if is_first:
            before = f" ({server.unsaid} times more since this was last said)" if server.unsaid else ""
            server.unsaid = 0
            until = "allows it" if outage.is_refusal else "answers"
            text = "%s failed, and is tried again until the %s %s%s: %s"
            logger.warning(text, what, server, until, before, error, extra=fields)
        else:
            away_s = now_s - outage.began_s
            verb = "forbidden it" if outage.is_refusal else "not answered"
            text = "%s still fails: the %s has %s for %.0f s and %d tries: %s"
            logger.warning(text, what, server, verb, away_s, outage.failures, error, extra=fields | {"away_s": away_s})

    def _end(self, server: _Server, outage: _Outage) -> None:
        server.outage = None
        if outage.error is None:
            server.unsaid += 1
            return
        away_s = self._now_s() - outage.began_s
        fields = {"server": server.name, "address": server.address, "failures": outage.failures, "away_s": away_s}
        text = "The %s answers again, after %.1f s and %d failed tries"
        logger.info(text, server, away_s, outage.failures, extra=fields)


def _told(server: _Server, error: Exception) -> str:
    return advised(error) if server.name == "database" else advised_of_broker(error)
