"""Certificates for the tests' servers and clients, made anew for each run: nothing here is worth stealing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


@dataclass(frozen=True)
class Pair:
    """The files of a certificate and of its key."""

    certificate: Path
    key: Path

    def together(self) -> Path:
        """Return a file with both in it, as Kafka's PEM stores want to have it."""
        file = self.key.with_suffix(".pem")
        _write(file, self.key.read_bytes() + self.certificate.read_bytes())
        return file


class Authority:
    """Somebody who certifies names; ``file`` is what those who trust it need."""

    def __init__(self, directory: Path) -> None:
        """Make one of its own, and write what it makes into ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._ca = trustme.CA()
        self.file = directory / "ca.pem"
        self.file.write_bytes(self._ca.cert_pem.bytes())

    def issue(self, name: str, password: str = "") -> Pair:
        """Certify a host's or person's name; the key is encrypted where there is a password."""
        issued = self._ca.issue_cert(name) if "@" not in name else self._ca.issue_cert(name, common_name=name)
        pair = Pair(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        pair.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        hidden: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        _write(pair.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
        return pair


def _write(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read: PostgreSQL insists."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
