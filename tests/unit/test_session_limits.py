"""What one session may send and one device may begin; what is beyond is refused, not lost."""

import json
import tracemalloc

from msgspec.structs import replace

from agents.decoder import Decoder
from pipeline.limits import Limits
from pipeline.session_limits import MOST_SECONDS, SessionLimits, Tally
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import KeptEvent, SessionFacts
from tests.builders import SESSION, at, decoded_by, kept, message, numbered, record

LONG_NAME = "\N{GRINNING FACE}" * 240


def counted(limits: Limits, *events: KeptEvent) -> list[bool]:
    """Return which of ``events`` are within ``limits``."""
    sessions, tallies = SessionLimits(limits), {event.session_id: Tally() for event in events}
    return [is_within(sessions, tallies[event.session_id], event) for event in events]


def is_within(sessions: SessionLimits, tally: Tally, event: KeptEvent) -> bool:
    """Return whether ``event`` is within the limits, and count it in then."""
    within = sessions.refusal(tally, event) is None
    if within:
        tally.add(event)
    return within


def of_device(number: int, seconds: float = 0, device_id: str | None = "d") -> KeptEvent:
    """Return the first event of a session of its own."""
    facts = SessionFacts(device_id, None, None, None, "1.0")
    return kept(seconds, session_id=numbered(number), facts=facts)


def test_a_session_sends_as_many_events_as_the_limit_and_no_more() -> None:
    moves = [kept(n, "mouse_move") for n in range(4)]
    assert counted(Limits(session_events=3), *moves) == [True, True, True, False]
    assert counted(Limits(session_events=4), *moves) == [True] * 4


def test_clicks_and_views_have_a_limit_of_their_own_and_other_events_go_on() -> None:
    kinds = ["click", "mouse_move", "page_view", "screen_view", "click", "scroll", "api_call"]
    events = [kept(n, kind) for n, kind in enumerate(kinds)]
    assert counted(Limits(session_actions=2), *events) == [True, True, True, False, False, True, True]


def test_a_tally_goes_on_where_the_tables_have_it() -> None:
    tally = Tally(events=9, actions=5)
    limits = SessionLimits(Limits(session_events=10))
    assert [is_within(limits, tally, kept(n)) for n in range(2)] == [True, False]


#   second 0: d begins 1, 2, [3 too many] | second 1: d begins 4 | e and nobody's device: their own
def test_a_device_begins_as_many_sessions_in_a_second_as_the_limit() -> None:
    events = [
        of_device(1, 0.0),
        of_device(2, 0.9),
        of_device(3, 0.5),
        of_device(3, 1.5),
        of_device(1, 0.6),
        of_device(4, 1.0),
        of_device(5, 0.0, "e"),
        of_device(6, 0.0, None),
        of_device(7, 0.0, None),
        of_device(8, 0.0, None),
    ]
    within = counted(Limits(device_sessions_per_s=2), *events)
    assert within == [True, True, False, False, True, True, True, True, True, True]


def test_a_session_that_named_its_device_before_is_no_new_one_of_it() -> None:
    limits, old = SessionLimits(Limits(device_sessions_per_s=1)), Tally(events=1, has_device=True)
    assert is_within(limits, Tally(), of_device(1))
    assert is_within(limits, old, of_device(2))


def test_times_that_a_sender_chooses_do_not_spread_a_flood() -> None:
    flood = [replace(of_device(n, 3600 * n), arrival_us=at(0)) for n in range(5)]
    assert counted(Limits(device_sessions_per_s=2), *flood) == [True, True, False, False, False]


def test_a_device_that_is_named_late_counts_from_there_on() -> None:
    flood = [
        event
        for n in range(3)
        for event in (of_device(n, device_id=None), of_device(n), kept(1, session_id=numbered(n)))
    ]
    within = counted(Limits(device_sessions_per_s=2), *flood)
    assert within == [True, True, True, True, True, True, True, False, False]


def test_a_flood_of_devices_takes_little_memory() -> None:
    limits = SessionLimits(Limits())
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(5 * MOST_SECONDS):
        assert limits.refusal(Tally(), of_device(number, device_id=f"{number}{LONG_NAME}")) is None
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 3_000_000


def test_what_is_refused_is_a_dead_letter_with_the_bytes_of_each_event() -> None:
    single = record(message(x=1), offset=3)
    batch = record({"events": [{"x": 1}, {"x": 2}, {"x": 3}], **message()}, offset=4)
    decoder = Decoder(DecodePolicy(), "session-replay")
    events = decoded_by(decoder, [single, batch]).events
    letters = decoder.refused([single, batch], [(events[0], "a"), (events[2], "b"), (events[3], "c")])
    assert [(letter.place, letter.reason, letter.detail) for letter in letters] == [
        (events[0].place, Reason.TOO_MANY, "a"),
        (events[2].place, Reason.TOO_MANY, "b"),
        (events[3].place, Reason.TOO_MANY, "c"),
    ]
    assert letters[0].value == single.value
    assert [json.loads(letter.value or b"") for letter in letters[1:]] == [message(x=2), message(x=3)]
    assert {json.loads(letter.value or b"")["session_id"] for letter in letters} == {str(SESSION)}


def test_a_limit_below_what_metadata_may_have_holds_and_what_was_let_in_can_be_refused_later() -> None:
    batch = record({"events": [{"x": n} for n in range(50)], **message()}, offset=4)
    size = len(batch.value or b"")
    policies = [DecodePolicy(limits=Limits(record_bytes=most)) for most in (size - 1, size)]
    small, large = (Decoder(policy, "session-replay") for policy in policies)
    (letter,) = decoded_by(small, [batch]).dead_letters
    assert (letter.reason, letter.value) == (Reason.TOO_LARGE, batch.value)
    events = decoded_by(large, [batch]).events
    assert len(small.refused([batch], [(event, "late") for event in events])) == 50
