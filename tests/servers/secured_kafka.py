"""An Apache Kafka that wants to know who comes: by name and password, or by certificate, and always over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.apache_kafka import ApacheKafka
from tests.servers.certificates import Authority
from tests.servers.ports import free_port

HOST: Final = "localhost"
"""What its certificate says; by ``127.0.0.1`` it can be reached and must not be trusted."""

USERS: Final = {
    "SCRAM-SHA-256": ("hxi=256", "of-256-@:/%+-bits"),
    "SCRAM-SHA-512": ("hxi=512", "of-512-@:/%+-bits"),
    "PLAIN": ("hxi", "of-no-bits-@:/%+"),
}
"""Name and password by mechanism, so that one cannot pass for another; with what is special elsewhere."""

_LOGIN: Final = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class SecuredKafka:
    """Where its listeners are, by what a client has to bring."""

    by_password: str
    by_password_without_tls: str
    by_certificate: str


@contextmanager
def secured_kafka(directory: Path, jars: Path, authority: Authority) -> Iterator[SecuredKafka]:
    """Run a broker that calls itself ``localhost``, and trusts whom ``authority`` has certified."""
    ports = {"SCRAM": free_port(), "CLEAR": free_port(), "MUTUAL": free_port()}
    scram = {mechanism: user for mechanism, user in USERS.items() if mechanism != "PLAIN"}
    users = [f"{mechanism}=[name={name},password={password}]" for mechanism, (name, password) in scram.items()]
    broker = ApacheKafka(directory, jars=jars, users=users)
    broker.settings |= _settings(broker.settings, ports, authority)
    with broker:
        at = {name: f"{HOST}:{port}" for name, port in ports.items()}
        yield SecuredKafka(at["SCRAM"], at["CLEAR"], at["MUTUAL"])


def _settings(plain: dict[str, str], ports: dict[str, int], authority: Authority) -> dict[str, str]:
    """Return what the listeners add to the settings of a node."""
    protocols = {"SCRAM": "SASL_SSL", "CLEAR": "SASL_PLAINTEXT", "MUTUAL": "SSL"}

    def added(setting: str, values: Iterator[str]) -> dict[str, str]:
        return {setting: ",".join([plain[setting], *values])}

    return {
        **added("listeners", (f"{name}://127.0.0.1:{port}" for name, port in ports.items())),
        **added("advertised.listeners", (f"{name}://{HOST}:{port}" for name, port in ports.items())),
        **added("listener.security.protocol.map", (f"{name}:{protocol}" for name, protocol in protocols.items())),
        "inter.broker.listener.name": "PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.issue(HOST).together()),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.mutual.ssl.client.auth": "required",
        **_logins("scram"),
        **_logins("clear"),
    }


def _logins(listener: str) -> dict[str, str]:
    """Return how users of a listener say who they are; SCRAM's users are in the broker's storage."""
    prefix = f"listener.name.{listener}"
    scram = f"{_LOGIN}.scram.ScramLoginModule required;"
    name, password = USERS["PLAIN"]
    return {
        f"{prefix}.sasl.enabled.mechanisms": ",".join(USERS),
        f"{prefix}.scram-sha-256.sasl.jaas.config": scram,
        f"{prefix}.scram-sha-512.sasl.jaas.config": scram,
        f"{prefix}.plain.sasl.jaas.config": f'{_LOGIN}.plain.PlainLoginModule required user_{name}="{password}";',
    }
