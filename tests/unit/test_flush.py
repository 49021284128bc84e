"""A flush joins spans end to end, and gives the rows of any of its places."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec import structs

from pipeline.flush import Flush, Span
from pipeline.fold import FoldPolicy, fold
from pipeline.moments import moment
from pipeline.surroundings import Surroundings
from schema.events import API_CALL, ERROR, SESSION_END
from schema.rows import ApiCall, ErrorRow, JsError, KeptChunk, KeptEvent, LatencyRow, Place, Rows
from tests.builders import EVENTS, OTHER_SESSION, REPLAY, SESSION, at, facts, kept, kept_chunk, numbered, user

FIRST = Span(epoch=3, from_offset=10, to_offset=20, arrival_us=500)


def test_spans_of_a_partition_join_up_and_keep_the_latest_arrival() -> None:
    flush = Flush()
    flush.extend(EVENTS, FIRST)
    flush.extend(REPLAY, Span(1, 0, 1, 7))
    flush.extend(EVENTS, Span(3, 20, 21, 400))
    assert flush.spans == {EVENTS: Span(3, 10, 21, 500), REPLAY: Span(1, 0, 1, 7)}
    flush.extend(EVENTS, Span(3, 21, 22, 501))
    assert flush.spans[EVENTS] == Span(3, 10, 22, 501)


@pytest.mark.parametrize("offset", [10, 19, 21])
def test_a_span_that_skips_or_repeats_records_is_refused(offset: int) -> None:
    flush = Flush({EVENTS: FIRST})
    with pytest.raises(ValueError, match="does not continue"):
        flush.extend(EVENTS, replace(FIRST, from_offset=offset, to_offset=30))
    assert flush.spans == {EVENTS: FIRST}


@pytest.mark.parametrize("epoch", [2, 4])
def test_a_span_of_another_epoch_is_refused(epoch: int) -> None:
    with pytest.raises(ValueError, match="does not continue"):
        Flush({EVENTS: FIRST}).extend(EVENTS, Span(epoch, 20, 30, 0))


def rows_of(events: list[KeptEvent], chunks: Sequence[KeptChunk] = ()) -> Rows:
    """Return the rows of a flush into empty tables."""
    return fold(events, chunks, Surroundings.of(events), FoldPolicy())


def test_a_flush_is_as_long_as_its_events_and_chunks() -> None:
    assert [len(Flush()), len(Flush(events=[kept(0)], chunks=[kept_chunk(), kept_chunk(1)]))] == [0, 3]


def test_only_gives_what_came_from_the_places_asked_for() -> None:
    flush = Flush(events=[kept(n, offset=n) for n in range(3)], chunks=[kept_chunk(n, offset=n) for n in range(3)])
    assert flush.places() == [Place(part, n) for part in (EVENTS, REPLAY) for n in range(3)]
    part = flush.only([Place(EVENTS, 2), Place(REPLAY, 0)])
    assert (part.events, part.chunks, part.spans) == ([kept(2, offset=2)], [kept_chunk(0, offset=0)], {})
    assert flush.only(flush.places()) == flush


def test_events_of_one_batch_are_told_apart_by_their_index() -> None:
    batch = [structs.replace(kept(n), place=Place(EVENTS, 5, n)) for n in range(3)]
    assert Flush(events=batch).only([Place(EVENTS, 5, 1)]).events == [batch[1]]


def test_calls_and_errors_make_rows_of_their_own_beside_their_events() -> None:
    call = kept(1, API_CALL, screen_name="/s", api_call=ApiCall("/api", 5, 200))
    error = kept(2, ERROR, error=JsError("broken", "at line 1"))
    rows = rows_of([kept(0), call, error])
    assert len(rows.events) == 3
    assert rows.latency_metrics == [LatencyRow(SESSION, "/s", "/api", 5, 200, moment(at(1)))]
    assert rows.error_logs == [ErrorRow(SESSION, None, "broken", "at line 1", moment(at(2)))]


def test_a_session_has_one_row_with_the_bounds_of_its_events_and_chunks() -> None:
    events = [kept(3), kept(1, arrival_us=at(99)), kept(2, SESSION_END), kept(0, session_id=OTHER_SESSION)]
    first, second = rows_of(events, [kept_chunk(1, 9), kept_chunk(0, -4)]).sessions
    assert (first.session_id, second.session_id) == (SESSION, OTHER_SESSION)
    assert (first.first_event, first.last_event, first.ended) == (moment(at(1)), moment(at(3)), True)
    assert (first.first_chunk, first.last_chunk) == (moment(at(-4)), moment(at(9)))
    assert first.last_arrival == moment(at(99))
    assert (second.first_chunk, second.last_chunk, second.ended) == (None, None, False)


def test_each_fact_of_a_flush_is_that_of_its_latest_event_and_dated_by_it() -> None:
    events = [
        kept(2, facts=facts(device_id="late"), user=user(email="late")),
        kept(1, facts=facts(device_id="early", app_version="1"), user=user(email="early", locale="de")),
        kept(2, facts=facts(device_id="equal")),
    ]
    rows = rows_of(events)
    session, person = rows.sessions[0], rows.users[0]
    assert (session.device_id, session.device_id_at) == ("late", moment(at(2)))
    assert (session.app_version, session.app_version_at, session.user_agent_at) == ("1", moment(at(1)), None)
    assert (person.email, person.email_at) == ("late", moment(at(2)))
    assert (person.locale, person.first_seen) == ("de", moment(at(1)))


def test_rows_that_writers_lock_are_in_the_order_of_their_ids() -> None:
    ids = [numbered(n) for n in (5, 1, 9, 3)]
    events = [kept(0, session_id=key, user=user(key)) for key in ids]
    rows = rows_of(events, [kept_chunk(session_id=numbered(4))])
    assert [row.user_id for row in rows.users] == sorted(ids)
    assert [row.session_id for row in rows.sessions] == sorted([*ids, numbered(4)])
