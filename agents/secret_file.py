"""Passwords in files, as Docker and Kubernetes hand them out: read once, at the start, and shown nowhere."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr


def _content(path: str) -> str:
    """Return the one line of the file; no error quotes ``path``, where somebody may have put the password itself."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise ValueError(f"names a file that cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("names a file that is no text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError("names a file that is empty")
    if any(end in secret for end in "\r\n\0"):
        raise ValueError("names a file with more than the one line of a password")
    return secret


def given_twice(name: str, given: Collection[str]) -> str | None:
    """Return what is wrong where, of the settings ``given``, one says ``name`` and another names a file of it."""
    if {name, f"{name}_file"} <= set(given):
        return f"HXI_{name.upper()} and HXI_{name.upper()}_FILE are both set: which one counts?"
    return None


def revealed(secret: SecretStr | None) -> str:
    """Return the secret itself, for whoever has to say it; of none an empty text."""
    return "" if secret is None else secret.get_secret_value()


SecretFile = Annotated[SecretStr, BeforeValidator(_content)]
"""The type of a setting that names a file; its value is what the file holds."""
