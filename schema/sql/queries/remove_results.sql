-- Removes results of these sessions, so many of each table at the most, found as in remove_replays; of scores there is one
-- each, which goes with its session.
WITH gone_rage_clicks AS (
    DELETE FROM rage_click_events
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM rage_click_events WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
), gone_points AS (
    DELETE FROM heatmap_points
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM heatmap_points WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
), gone_steps AS (
    DELETE FROM journey_steps
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM journey_steps WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
), gone_predictions AS (
    DELETE FROM emotion_predictions
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM emotion_predictions WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
)
SELECT 'rage_click_events' AS table, count(*) AS rows FROM gone_rage_clicks
UNION ALL SELECT 'heatmap_points', count(*) FROM gone_points
UNION ALL SELECT 'journey_steps', count(*) FROM gone_steps
UNION ALL SELECT 'emotion_predictions', count(*) FROM gone_predictions
