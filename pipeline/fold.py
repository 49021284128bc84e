"""Decides the rows of a flush: a pure function of its events and chunks, and of what the tables hold near them."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from pipeline.bursts import touched
from pipeline.emotions import EmotionModel, default_model
from pipeline.heatmap import heatmap_rows
from pipeline.journeys import journey_rows
from pipeline.latency import latency_rows
from pipeline.limits import Limits
from pipeline.moments import moment
from pipeline.rage_clicks import PRESETS, RageRule, rage_clicks
from pipeline.scores import ScorePolicy
from pipeline.sessions import session_rows
from pipeline.surroundings import Surroundings
from pipeline.user_agents import user_agent_rows
from pipeline.users import session_user_rows, user_rows
from schema.fields import US_PER_MS
from schema.rows import ChunkRow, ErrorRow, EventRow, KeptChunk, KeptEvent, LatencyRow, Rows


@dataclass(frozen=True, slots=True)
class FoldPolicy:
    """What results need to know beside the events."""

    rage: RageRule = PRESETS["hxi"]
    heatmap_cell_px: int = 10
    apdex_t_ms: int = 500
    scores: ScorePolicy = field(default_factory=ScorePolicy)
    emotions: EmotionModel = field(default_factory=default_model)
    window_keys: int = Limits().window_keys

    @property
    def max_gap_us(self) -> int:
        """Return how far apart the clicks of a run may be."""
        return self.rage.max_gap_ms * US_PER_MS


def fold(events: Sequence[KeptEvent], chunks: Sequence[KeptChunk], around: Surroundings, policy: FoldPolicy) -> Rows:
    """Return the rows that ``events``, with what is ``around`` them, and ``chunks`` make, table by table."""
    rows = fold_alone(events, chunks, policy)
    fold_in_order(rows, around, policy)
    return rows


def fold_in_order(rows: Rows, around: Surroundings, policy: FoldPolicy) -> None:
    """Put into ``rows`` what depends on the order of new events and of those around them."""
    clicks, bursts = touched(around.new_clicks, around.clicks, policy.max_gap_us)
    rows.rage_click_events = rage_clicks(clicks, policy.rage)
    rows.rage_click_bursts = bursts
    rows.journey_steps = journey_rows(around.new_views, around.views, around.steps)


def fold_alone(events: Sequence[KeptEvent], chunks: Sequence[KeptChunk], policy: FoldPolicy) -> Rows:
    """Return the rows that ``events`` and ``chunks`` make whatever the tables hold."""
    rows = Rows(
        users=user_rows(events),
        sessions=session_rows(events, chunks),
        session_users=session_user_rows(events),
        user_agents=user_agent_rows(events),
        heatmap_points=heatmap_rows(events, policy.heatmap_cell_px),
        latency_windows=latency_rows(events, policy.apdex_t_ms),
    )
    for event in events:
        time = moment(event.time_us)
        rows.events.append(_event_row(event, time))
        if event.api_call is not None:
            rows.latency_metrics.append(LatencyRow(event.session_id, event.screen_name, *event.api_call, time))
        elif event.error is not None:
            rows.error_logs.append(ErrorRow(event.session_id, event.screen_name, *event.error, time))
    rows.session_replay_chunks = [_chunk_row(chunk) for chunk in chunks]
    return rows


def without_results(rows: Rows, final: Set[UUID]) -> Rows:
    """Return ``rows`` without what they say anew of sessions in ``final``, whose results stay as they are."""
    if not final:
        return rows
    return replace(
        rows,
        rage_click_events=[row for row in rows.rage_click_events if row.session_id not in final],
        rage_click_bursts=[row for row in rows.rage_click_bursts if row.session_id not in final],
        heatmap_points=[row for row in rows.heatmap_points if row.session_id not in final],
        journey_steps=[row for row in rows.journey_steps if row.session_id not in final],
    )


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
