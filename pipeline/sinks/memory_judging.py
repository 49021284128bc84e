"""Judging in the in-memory sink: what its tables say of a session, by plain search."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from pipeline.emotions import EmotionModel, TimelineEvent, columns_of, judged_from, predictions, read_from
from pipeline.moments import microseconds, moment
from pipeline.scores import Call, Evidence, Feeling, Happening, Rage
from pipeline.sinks.memory_results import MemoryResults
from schema.events import API_CALL, CLICK, ERROR
from schema.rows import EmotionRow, EventRow, LatencyRow


def emotions_since(
    changed: Mapping[UUID, int], events: Sequence[EventRow], calls: Iterable[LatencyRow], model: EmotionModel
) -> list[EmotionRow]:
    """Return the predictions that may be others since each session changed, at its time in microseconds.

    ``event_id`` is the event's index in ``events``.
    """
    from_times = {session_id: moment(read_from(time_us)) for session_id, time_us in changed.items()}
    timeline = [
        _timeline_event(number, row)
        for number, row in enumerate(events)
        if row.session_id in changed and row.timestamp >= from_times[row.session_id] and row.event_type != API_CALL
    ]
    timeline += [
        _timeline_call(row)
        for row in calls
        if row.session_id in changed and row.recorded_at >= from_times[row.session_id]
    ]
    since = {session_id: judged_from(time_us) for session_id, time_us in changed.items()}
    return predictions(columns_of(timeline), since, model)


def evidence_of(
    session_id: UUID,
    all_events: Sequence[EventRow],
    calls: Iterable[LatencyRow],
    results: MemoryResults,
    emotions: Iterable[EmotionRow],
) -> Evidence:
    """Return what these tables hold that the session's score follows from."""
    events = [row for row in all_events if row.session_id == session_id]
    rages = results.rage_click_events.values()
    steps = sorted(step for step in results.journey_steps.values() if step.session_id == session_id)
    return Evidence(
        [
            Rage(microseconds(row.first_click_time), row.screen_name, row.click_count)
            for row in rages
            if row.session_id == session_id
        ],
        [microseconds(row.timestamp) for row in events if row.event_type == CLICK],
        [Happening(microseconds(row.timestamp), row.screen_name) for row in events if row.event_type == ERROR],
        [
            Call(microseconds(row.recorded_at), row.screen_name, row.latency_ms, row.status_code)
            for row in calls
            if row.session_id == session_id
        ],
        [Happening(microseconds(step.event_time), step.screen_name) for step in steps],
        [
            Feeling(
                microseconds(row.window_start),
                all_events[row.event_id].screen_name,
                row.predicted_emotion,
                row.confidence,
            )
            for row in emotions
            if row.session_id == session_id
        ],
    )


def _timeline_event(number: int, row: EventRow) -> TimelineEvent:
    return TimelineEvent(
        row.session_id,
        microseconds(row.timestamp),
        row.event_uuid,
        number,
        row.event_type,
        row.screen_name,
        row.element_id,
        row.x,
        row.y,
        row.scroll_position,
        latency_ms=None,
        status_code=None,
    )


def _timeline_call(row: LatencyRow) -> TimelineEvent:
    return TimelineEvent(
        row.session_id,
        microseconds(row.recorded_at),
        None,
        None,
        API_CALL,
        row.screen_name,
        None,
        None,
        None,
        None,
        row.latency_ms,
        row.status_code,
    )
