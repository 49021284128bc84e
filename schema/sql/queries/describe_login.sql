-- Who is logged in, to what, and whether that is more than a worker's login should be.
SELECT current_user, current_setting('server_version'), current_setting('transaction_read_only') = 'on',
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    coalesce(pg_has_role(to_regrole('hxi_owner'), 'MEMBER'), false)
