-- Facts of users: per column the one of the latest event time stands.
INSERT INTO users AS u (
    user_id, external_user_id, created_at,
    email, email_at, device_type, device_type_at, locale, locale_at
)
SELECT
    user_id, external_user_id, first_seen,
    email, email_at, device_type, device_type_at, locale, locale_at
FROM new_users
ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET
    created_at = LEAST(u.created_at, EXCLUDED.created_at),
    email = CASE WHEN hxi_state.fact_wins(u.email, u.email_at, EXCLUDED.email, EXCLUDED.email_at)
        THEN EXCLUDED.email ELSE u.email END,
    email_at = CASE WHEN hxi_state.fact_wins(u.email, u.email_at, EXCLUDED.email, EXCLUDED.email_at)
        THEN EXCLUDED.email_at ELSE u.email_at END,
    device_type = CASE WHEN hxi_state.fact_wins(u.device_type, u.device_type_at, EXCLUDED.device_type, EXCLUDED.device_type_at)
        THEN EXCLUDED.device_type ELSE u.device_type END,
    device_type_at = CASE WHEN hxi_state.fact_wins(u.device_type, u.device_type_at, EXCLUDED.device_type, EXCLUDED.device_type_at)
        THEN EXCLUDED.device_type_at ELSE u.device_type_at END,
    locale = CASE WHEN hxi_state.fact_wins(u.locale, u.locale_at, EXCLUDED.locale, EXCLUDED.locale_at)
        THEN EXCLUDED.locale ELSE u.locale END,
    locale_at = CASE WHEN hxi_state.fact_wins(u.locale, u.locale_at, EXCLUDED.locale, EXCLUDED.locale_at)
        THEN EXCLUDED.locale_at ELSE u.locale_at END
