-- The ledger: the only truth about progress. A row per application, topic and partition.
-- depends: 0001.eleven-tables

-- Not named hxi: a role of that name would find this schema before public.
CREATE SCHEMA hxi_state;
COMMENT ON SCHEMA hxi_state IS 'How far the pipeline has come. Not for analysts.';

CREATE TABLE hxi_state.ledger (
    app_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INT NOT NULL,
    next_offset BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT NOT NULL DEFAULT 0,
    caught_up_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    PRIMARY KEY (app_id, topic, partition)
);
COMMENT ON TABLE hxi_state.ledger IS 'How far each partition of each topic is in the tables.';
COMMENT ON COLUMN hxi_state.ledger.next_offset IS 'First offset whose record is not in the tables yet.';
COMMENT ON COLUMN hxi_state.ledger.epoch IS 'Raised by every claim; a writer with an older one is fenced.';
COMMENT ON COLUMN hxi_state.ledger.caught_up_at IS 'Up to this moment (UTC) no record of the partition is unread.';
