"""Checks where a database is said to be before anybody connects, so that no error has to quote a password.

libpq and psycopg quote what they cannot read, and look for a host named like the second half of a password with an
unescaped ``@``.
"""

from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_VERIFYING = ("verify-ca", "verify-full")
_ENVIRONMENT = {name: f"PG{name.upper()}" for name in ("sslmode", "sslrootcert", "sslcert", "sslkey")}
"""The parameters of TLS, and where libpq finds those that a URL does not have."""

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


def tls_problem(url: str, environment: Mapping[str, str]) -> str | None:
    """Return what is wrong with certificates that ``url``, or libpq's own ``environment``, names."""
    parts = conninfo_to_dict(url)
    found = {name: str(parts.get(name) or environment.get(other) or "") for name, other in _ENVIRONMENT.items()}
    mode, root = found["sslmode"], found["sslrootcert"]
    given = [name for name in ("sslrootcert", "sslcert", "sslkey") if found[name]]
    for name in given:
        if found[name] != "system" and ":" not in found[name] and not _is_file(found[name]):  # nor a key in an engine
            return f"names a file as {name} that cannot be read; name another"
    if not given or mode in _VERIFYING or (root == "system" and not mode):  # for which verify-full is the default
        return None
    return f"names {' and '.join(given)}, and its sslmode, {mode or 'prefer'}, verifies nothing: make it verify-full"


def _is_port(text: str) -> bool:
    return text == "" or (text.isdigit() and 1 <= int(text) <= _HIGHEST_PORT)


def _is_file(path: str) -> bool:
    try:
        Path(path).open("rb").close()
    except OSError:
        return False
    return True
