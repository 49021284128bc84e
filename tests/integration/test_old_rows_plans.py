"""What is old is found by indexes, whatever the planner knows of the tables."""

import psycopg
import pytest

from pipeline.moments import moment
from schema.sql import query
from tests.builders import SESSION, at, numbered
from tests.deployment import TABLES
from tests.locks import ask
from tests.retention import RAW, RESULTS


def test_old_sessions_are_found_by_an_index(database_url: str) -> None:
    ask(
        database_url,
        """
        INSERT INTO sessions (session_id, end_time, last_record_at, swept)
        SELECT gen_random_uuid(), now(), now() - n * interval '1 minute', n % 256 FROM generate_series(1, 5000) AS n;
        ANALYZE sessions
        """,
    )
    asked = {"swept": 2, "before": moment(at(0)), "after": moment(at(-9)), "after_id": SESSION, "most": 100}
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        plan = connection.execute(b"EXPLAIN " + query("old_sessions").encode(), asked).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "idx_sessions_ended" in text
    assert "Seq Scan" not in text
    assert "Sort" not in text


FULL = """
    INSERT INTO sessions (session_id) SELECT id FROM unnest(%s::uuid[]) AS id;
    INSERT INTO events (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO latency_metrics (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO error_logs (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO session_replay_chunks (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO rage_click_events (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO heatmap_points (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO journey_steps (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO emotion_predictions (session_id, event_id)
    SELECT session_id, event_id FROM events;
"""


@pytest.mark.parametrize("known", ["", "ANALYZE"])
def test_what_goes_is_found_by_indexes_whatever_the_planner_knows(database_url: str, known: str) -> None:
    asked = {"session_ids": [numbered(n) for n in range(100)], "most": 1000}
    with psycopg.connect(database_url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
        connection.execute(FULL.encode(), [[numbered(n) for n in range(300)]])
        if known:
            connection.execute(known.encode())
        for table in (*RAW, *RESULTS[:-1], "session_replay_chunks"):
            statement = query("remove_events" if table == "events" else "remove_rows").format(table=table)
            plan = connection.execute(b"EXPLAIN " + statement.encode(), asked).fetchall()
            assert not [line for (line,) in plan if "Seq Scan" in line], "\n".join(line for (line,) in plan)
