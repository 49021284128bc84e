"""What to do about a database or broker that will not have us, by what it says; the same words everywhere.

PostgreSQL has a code for each of these, which libpq keeps to itself while it connects. So it goes by PostgreSQL's
English; a server that speaks another language is quoted, with what is true of all of them.
"""

import re

_AT = r'server at "(?P<host>[^"]+)", port (?P<port>\d+)'

_REMEDIES = [
    (
        rf'{_AT}.*database "(?P<name>.+)" does not exist',
        'make it, with a role that may: createdb -h {host} -p {port} "{name}", then hxi migrate;'
        " or correct the name at the end of HXI_DATABASE_URL",
    ),
    (
        r'database "(?P<name>.+)" does not exist',
        'make it: CREATE DATABASE "{name}", then hxi migrate; or correct the name at the end of HXI_DATABASE_URL',
    ),
    (
        r'password authentication failed for user "(?P<login>.+)"',
        "no such role, or not its password: correct HXI_DATABASE_URL or HXI_DATABASE_PASSWORD_FILE, or let an"
        " administrator set it (\\password {login} in psql)",
    ),
    (
        r"no password supplied",
        "it wants a password: put it into the file that HXI_DATABASE_PASSWORD_FILE names, or into HXI_DATABASE_URL",
    ),
    (
        r'role "(?P<login>.+)" does not exist',
        'let an administrator make it: CREATE ROLE "{login}" LOGIN; or correct the user in HXI_DATABASE_URL',
    ),
    (
        r'role "(?P<login>.+)" is not permitted to log in',
        'let an administrator run: ALTER ROLE "{login}" LOGIN; or name a login in HXI_DATABASE_URL',
    ),
    (
        r'permission denied for database "(?P<name>.+)"',
        'let its owner run: GRANT CONNECT ON DATABASE "{name}" TO the user of HXI_DATABASE_URL',
    ),
    (
        r"no pg_hba.conf entry",
        "let an administrator allow this host, user and database in the server's pg_hba.conf, and reload it",
    ),
    (
        r"failed to resolve host '(?P<host>[^']+)'|could not translate host name \"(?P<host_too>[^\"]+)\"",
        "no such host is known here: correct the host in HXI_DATABASE_URL, or the name service (DNS)",
    ),
    (
        rf"{_AT} failed: Connection refused",
        "nothing listens there: start the server, let it listen at that address (listen_addresses), or correct host and"
        " port in HXI_DATABASE_URL",
    ),
    (
        r"on socket .* failed: (No such file|Connection refused)",
        "no server runs at that socket: start it, or name its host in HXI_DATABASE_URL",
    ),
    (
        r"timeout expired|No route to host|Network is unreachable|timed out",
        "nothing answers: is the host running, and do network and firewalls let this one reach it? Or correct host and"
        " port in HXI_DATABASE_URL",
    ),
    (
        r"too many clients|too many connections|connection slots are reserved",
        "close connections that nobody needs, or raise the limit (max_connections, or CONNECTION LIMIT of the role)",
    ),
    (
        r"server does not support SSL",
        "switch TLS on in the server (ssl = on), or leave sslmode out of HXI_DATABASE_URL",
    ),
    (
        r"certificate",
        "see sslmode, sslrootcert and the host in HXI_DATABASE_URL: the server's certificate has to be for that host,"
        " signed by an authority in that file",
    ),
    (
        r"(is starting up|is shutting down|recovery)",
        "wait until it is up; a standby has to be promoted, or HXI_DATABASE_URL to name the primary",
    ),
    (
        r"permission denied for schema (?P<name>\S+)",
        "hxi migrate is for the owner of the database, or whom they let: GRANT USAGE, CREATE ON SCHEMA {name} TO the"
        " user of HXI_DATABASE_URL; a worker's login needs no more than GRANT hxi_writer TO it",
    ),
    (
        r"permission denied",
        "a worker's login has to be a member of hxi_writer (GRANT hxi_writer TO it), one that migrates, erases or"
        " removes of hxi_owner; after an update run hxi migrate",
    ),
]


def advised(error: Exception) -> str:
    """Return what a database said that it was, and what to do about it where that is known."""
    text = str(error) or type(error).__name__
    for pattern, remedy in _REMEDIES:
        if found := re.search(pattern, text):
            return f"{text}; {remedy.format(**found.groupdict())}"
    return text


def advised_of_broker(error: Exception) -> str:
    """Return what brokers said that it was, and what to do where they forbid it."""
    text = str(error) or type(error).__name__
    if is_refusal(error):
        return f"{text}; an administrator has to allow it: hxi doctor says by which kafka-acls.sh command"
    return text


def is_refusal(error: Exception) -> bool:
    """Return whether a server answered that this login may not do that."""
    return re.search(r"permission denied|AuthorizationFailed", str(error) or type(error).__name__) is not None
