"""Settles who may do what in a database, by ``schema/sql/rights.sql``; any number of times.

Where the migrating role may not make roles, as on managed servers, nothing is changed, and what
somebody else has to run first is told: a later ``hxi migrate`` then does the rest.
"""

from typing import Any

import psycopg

from schema.sql import query, rights


def settle_rights(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Settle what the roles may do; return the statements that have to be run first, none where it is done.

    Raises:
        psycopg.Error: the database refused.
    """
    connection.execute(query("make_roles"))
    lacking = connection.execute(query("lacking_roles"), {})
    if statements := tuple(statement for (statement,) in lacking):
        return statements
    with connection.transaction():
        connection.execute(rights())
    return ()
