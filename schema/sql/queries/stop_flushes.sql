-- Waits for the flushes under way and lets none begin until this transaction ends: each locks its rows of the ledger
-- first. A flush that had read a session before its erasure would write what follows from it afterwards.
LOCK TABLE hxi_state.ledger IN EXCLUSIVE MODE
