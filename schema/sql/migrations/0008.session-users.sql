-- Who was named in a session beside the person whom it is said to be of now: whoever asks to be forgotten has a right
-- to all of it. Of sessions from before this migration only that last person is known.
-- depends: 0007.rights

CREATE TABLE hxi_state.session_users (
    session_id UUID NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
COMMENT ON TABLE hxi_state.session_users IS 'Sessions in which several people were named, with each of them.';

CREATE INDEX idx_session_users_user ON hxi_state.session_users (user_id);
