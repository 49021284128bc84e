"""Decides the rows of a flush: a pure function of the kept events and chunks in it."""

from collections.abc import Sequence
from datetime import datetime

from pipeline.moments import moment
from pipeline.sessions import session_rows
from pipeline.users import user_rows
from schema.rows import ChunkRow, ErrorRow, EventRow, KeptChunk, KeptEvent, LatencyRow, Rows


def fold(events: Sequence[KeptEvent], chunks: Sequence[KeptChunk]) -> Rows:
    """Return the rows that ``events`` and ``chunks`` make, table by table."""
    rows = Rows(users=user_rows(events), sessions=session_rows(events, chunks))
    for event in events:
        time = moment(event.time_us)
        rows.events.append(_event_row(event, time))
        if event.api_call is not None:
            rows.latency_metrics.append(LatencyRow(event.session_id, event.screen_name, *event.api_call, time))
        elif event.error is not None:
            rows.error_logs.append(ErrorRow(event.session_id, event.screen_name, *event.error, time))
    rows.session_replay_chunks = [_chunk_row(chunk) for chunk in chunks]
    return rows


def _event_row(event: KeptEvent, time: datetime) -> EventRow:
    return EventRow(
        event.session_id,
        event.event_type,
        event.page_url,
        event.screen_name,
        event.element_id,
        event.element_type,
        event.x,
        event.y,
        event.scroll_position,
        time,
        event.metadata,
        event.event_uuid,
        event.viewport_width,
        event.viewport_height,
        None if event.client_us == event.time_us else moment(event.client_us),
    )


def _chunk_row(chunk: KeptChunk) -> ChunkRow:
    return ChunkRow(
        chunk.session_id,
        chunk.chunk_index,
        chunk.chunk_data,
        moment(chunk.time_us),
        chunk.place.offset,
    )
