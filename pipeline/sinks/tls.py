"""Checks what is said of TLS to PostgreSQL before anybody connects: half of it would be found out late, or never.

libpq leaves out what it does not need for the ``sslmode`` it is given, without a word.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

_ENVIRONMENT = {
    name: f"PG{name.upper()}" for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir")
} | {"sslpassword": ""}
"""The parameters of TLS, and where libpq finds those that a URL does not have."""

_NEEDS = (("sslcert", "sslkey"), ("sslkey", "sslcert"), ("sslpassword", "sslkey"))
_HOLDS = {"sslrootcert": "certificate", "sslcert": "certificate", "sslcrl": "list of revoked certificates"}
_PROMISES_NOTHING = ("", "disable", "allow", "prefer")
"""Modes in which nobody has been told that TLS is on."""


def tls_mistake(url: str, environment: Mapping[str, str]) -> str | None:
    """Return what is missing, or cannot be read, of what ``url`` or libpq's own ``environment`` says of TLS."""
    found = _found(url, environment)
    for name, needed in _NEEDS:
        if name in found and needed not in found:
            return f"names {name} without {needed}: name both, or neither"
    if "sslcrldir" in found and not Path(found["sslcrldir"]).is_dir():
        return "names a directory as sslcrldir that is not there; name another"
    for name, content in _HOLDS.items():
        if name in found and (name, found[name]) != ("sslrootcert", "system"):
            if not _is_file(found[name]):
                return _unreadable(name)
            if not _is_pem(found[name]):
                return f"names a file as {name} that holds no {content} in PEM form; name another"
    return _mistake_of_key(found)


def unverified_tls(url: str, environment: Mapping[str, str]) -> str | None:
    """Return why anybody might answer, by TLS, in the place of the host that ``url`` or ``environment`` names.

    Only ``verify-full`` compares the host's name. No TLS, or libpq's default, is no problem as long as nothing else
    of TLS is named: nobody expects to be safe then.
    """
    found = _found(url, environment)
    mode = found.pop("sslmode", "")
    if mode == "verify-full" or (not mode and found.get("sslrootcert") == "system"):  # which makes that the default
        return None
    if not found and mode in _PROMISES_NOTHING:
        return None
    names = f"names {' and '.join(found)}, and " if found else ""
    return f"{names}its sslmode, {mode or 'prefer'}, does not verify which host answers: make it verify-full"


def _found(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    parts = conninfo_to_dict(url)
    found = {name: str(parts.get(name) or environment.get(other) or "") for name, other in _ENVIRONMENT.items()}
    return {name: value for name, value in found.items() if value}


def _mistake_of_key(found: Mapping[str, str]) -> str | None:
    key = found.get("sslkey", "")
    if not key or ":" in key:  # which libpq takes for one in an engine
        return None
    if not _is_file(key):
        return _unreadable("sslkey")
    password = found.get("sslpassword", "")
    try:  # given as a function even if empty: otherwise OpenSSL would ask whoever sits at the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(found["sslcert"], key, lambda: password)
    except (ssl.SSLError, ValueError) as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            return "names a file as sslkey that holds the key of another certificate than sslcert; name another"
        return "names a file as sslkey that holds no key in PEM form that sslpassword, or its lack, opens; name another"
    return None


def _unreadable(name: str) -> str:
    return f"names a file as {name} that cannot be read; name another"


def _is_file(path: str) -> bool:
    try:
        Path(path).open("rb").close()
    except (OSError, ValueError):
        return False
    return True


def _is_pem(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True
