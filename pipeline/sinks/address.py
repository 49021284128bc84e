"""Checks where a database is said to be before anybody connects, so that no error has to quote a password.

libpq and psycopg quote what they cannot read, and look for a host named like the second half of a password with an
unescaped ``@``.
"""

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_HIGHEST_PORT = 65_535


def complete(url: str, password: str | None) -> str:
    """Return ``url`` with ``password`` in it, where one is given.

    Raises:
        ValueError: libpq does not understand it, or not as it is meant; the text quotes nothing of it.
    """
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        raise ValueError(
            "is no URL that libpq understands, such as postgresql://user@host:5432/name;"
            " other characters than letters, digits and -._~ in a password are to be written %40 and so on"
        ) from None
    if not all(_is_port(port) for port in parts.get("port", "").split(",")):
        raise ValueError(
            "has no number from 1 to 65535 for a port; is there a : or / in its password, not written %3A?"
        )
    if "://" in url and any("@" in parts.get(name, "")[1:] for name in ("host", "dbname")):
        raise ValueError("has an @ behind the one before its host; in a password it is to be written %40")
    if password is None:
        return url
    if "password" in parts:
        raise ValueError("holds a password, and HXI_DATABASE_PASSWORD_FILE names another: which one counts?")
    return make_conninfo(url, password=password)


def whereabouts(url: str) -> str:
    """Return host, port and name of the database, as far as ``url`` says them, and nothing else of it."""
    parts = conninfo_to_dict(url)
    hosts, ports = (str(parts.get(name) or default).split(",") for name, default in (("host", ""), ("port", "5432")))
    ports *= len(hosts) if len(ports) == 1 else 1
    servers = ",".join(f"{host or 'localhost'}:{port}" for host, port in zip(hosts, ports, strict=False))
    return f"{servers}/{parts.get('dbname') or ''}"


def _is_port(text: str) -> bool:
    return text == "" or (text.isdigit() and 1 <= int(text) <= _HIGHEST_PORT)
