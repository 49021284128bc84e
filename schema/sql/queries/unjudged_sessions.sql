-- How many sessions have changed since they were judged.
SELECT count(*) AS sessions FROM hxi_state.unjudged
