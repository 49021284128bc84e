"""The tracking script on one device: it puts what happens into event objects, and adds nothing of the mood."""

from random import Random
from typing import Any, Final, TypeAlias

from pipeline.simulation.people import Person, uuid_of

Event: TypeAlias = dict[str, Any]

_ERRORS: Final = (
    ("TypeError", "Cannot read properties of undefined (reading 'price')", "renderPrice", "product.8c1f.js"),
    ("TypeError", "cart.items.reduce is not a function", "cartTotal", "cart.77ab.js"),
    ("ReferenceError", "sizeGuide is not defined", "onSizeGuideClick", "product.8c1f.js"),
    ("RangeError", "Maximum call stack size exceeded", "normaliseVariant", "shared.19d0.js"),
    ("SyntaxError", "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "parseReply", "api.5e02.js"),
    ("ChunkLoadError", "Loading chunk 412 failed", "loadChunk", "runtime.aa10.js"),
)


class Client:
    """Keeps the events of one session until they are taken."""

    __slots__ = ("_facts", "_pending", "_place", "_rng", "_session_id", "latest_ms")

    def __init__(self, person: Person, rng: Random) -> None:
        """Start with the session's facts, which the first event will carry."""
        self._rng = rng
        self._session_id = person.session_id
        self._facts: Event = dict(person.facts)
        self._place: dict[str, str] = {}
        self._pending: list[Event] = []
        self.latest_ms = person.arrives_ms

    def enter(self, place: dict[str, str]) -> None:
        """State this place in all events from now on."""
        self._place = place

    def note(self, event_type: str, at_ms: int, fields: Event) -> None:
        """Add one event with its own fields."""
        event: Event = {
            "event_uuid": uuid_of(self._rng),
            "session_id": self._session_id,
            "event_type": event_type,
            "timestamp": at_ms,
            **self._place,
            **fields,
        }
        if self._facts:
            event.update(self._facts)
            self._facts = {}
        if at_ms > self.latest_ms:
            self.latest_ms = at_ms
        self._pending.append(event)

    def note_error(self, at_ms: int, cause: str = "") -> None:
        """Add a JavaScript error; a cause replaces the usual text."""
        name, text, function, file = self._rng.choice(_ERRORS)
        line, column = self._rng.randint(1, 90), self._rng.randint(10, 9_000)
        message = f"{name}: {cause or text}"
        stack = (
            f"{message}\n    at {function} (https://shop.example.com/assets/{file}:{line}:{column})"
            f"\n    at dispatch (https://shop.example.com/assets/shared.19d0.js:2:{column // 3})"
            "\n    at HTMLDocument.onEvent (https://shop.example.com/assets/runtime.aa10.js:1:4411)"
        )
        self.note("error", at_ms, {"error_message": message, "stack_trace": stack})

    def take(self) -> list[Event]:
        """Hand over the events so far, in order of their time."""
        taken, self._pending = self._pending, []
        taken.sort(key=_time_of)
        return taken


def _time_of(event: Event) -> int:
    at_ms: int = event["timestamp"]
    return at_ms
