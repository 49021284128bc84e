"""What a person does on a page that the servers take part in, and what comes of their answers."""

from random import Random
from typing import Final

from pipeline.simulation.client import Client
from pipeline.simulation.hand import Hand
from pipeline.simulation.layout import Element
from pipeline.simulation.people import Person
from pipeline.simulation.services import ENDPOINTS, Reply, ask

# People wait this long for an answer before they go on.
PATIENCE_MS: Final = 4_000
_ERROR_AFTER_FAILURE: Final = 0.6
_ERROR_ON_DEAD_CLICK: Final = 0.3


class Errands:
    """One person's dealings with the shop; `seed` is that of its servers."""

    __slots__ = ("_client", "_hand", "_identified", "_person", "_rng", "_seed")

    def __init__(self, person: Person, client: Client, hand: Hand, rng: Random, *, seed: int) -> None:
        """Begin unknown to the shop."""
        self._person, self._client, self._hand, self._rng, self._seed = person, client, hand, rng, seed
        self._identified = False

    def fill_in(self) -> None:
        """Fill in the form of the page and send it."""
        layout = self._hand.layout
        for each in layout.inputs:
            self._hand.click(each)
            self._hand.write(each)
        self.use(self._rng.choice(layout.submits))

    def use(self, target: Element) -> None:
        """Click what should do something, and see whether it does."""
        hand = self._hand
        hand.click(target)
        if not target.calls:
            return
        reply = self.call(target.calls)
        hand.at_ms += min(reply.latency_ms, PATIENCE_MS)
        if reply.failed:
            self.try_in_vain(target)
        elif target.calls == "/api/login" and self._person.account:
            self.identify()
        elif target.calls == "/api/orders" and reply.status_code == 201:
            value = round(20 + 180 * self._rng.random(), 2)
            self._client.note("purchase", hand.at_ms, {"metadata": {"value": value, "currency": "EUR"}})

    def try_in_vain(self, target: Element) -> None:
        """Click what does nothing: once, or, for those who are at the end of their patience, in a burst."""
        if self._rng.random() < self._person.temper.rage:
            self._hand.rage(target)
        else:
            self._hand.click(target)
        if self._rng.random() < _ERROR_ON_DEAD_CLICK:
            self._client.note_error(self._hand.at_ms)

    def call(self, path: str) -> Reply:
        """Ask a server; the event is noted when the reply is there."""
        at_ms = self._hand.at_ms
        reply = ask(self._rng, path, at_ms, self._seed)
        self._client.note(
            "api_call",
            at_ms + reply.latency_ms,
            {
                "api_endpoint": path.replace(":id", str(self._rng.randrange(1000, 1500))) if ":id" in path else path,
                "latency_ms": reply.latency_ms,
                "status_code": reply.status_code,
                "metadata": {"method": ENDPOINTS[path].method},
            },
        )
        if reply.failed and self._rng.random() < _ERROR_AFTER_FAILURE:
            cause = f"Request to {path} failed with status {reply.status_code}"
            self._client.note_error(at_ms + reply.latency_ms, cause)
        return reply

    def identify(self) -> None:
        """Tell the shop who this is, once, if there is an account."""
        account = self._person.account
        if account is None or self._identified:
            return
        self._identified = True
        user = {"external_user_id": account.external_user_id, "email": account.email}
        user |= {"device_type": self._person.device.kind, "locale": account.locale}
        self._client.note("identify", self._hand.at_ms, {"user": user})
