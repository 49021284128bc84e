"""How every Kafka client of ours is made, so that all of them are equally safe; and why a broker will not have us.

kafka-python, asked to connect where TLS or the login fails, tries for as long as it may and then says only that it
could not bootstrap. So TLS is tried first, on a connection that is closed again, and a failed login is remembered.
"""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from agents.kafka_settings import PROTOCOL, KafkaSettings

BOOTSTRAP_TIMEOUT_MS = 8_000
"""How long a first answer from any broker is waited for; kafka-python's own 30 s try a person's patience."""

ADMIN_TIMEOUT_MS = 10_000
"""How long each question about topics may take."""

TLS_TIMEOUT_S = 4.0
"""How long TLS is tried with one broker: one that takes longer is left to the client's own patience."""

TCP_TIMEOUT_S = 2.0
"""How long a broker may take to let a connection come about before it counts as not to be reached."""

WHICH_VERSIONS = bytes.fromhex("0000000a 0012 0000 00000000 ffff")
"""Kafka's ApiVersions request: with TLS 1.3 only the answer to a first question tells that our certificate will do."""

HANG_UPS = 3
"""So often a broker has to hang up in the midst of a login before that counts as its answer; once, it may be ending."""

_REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)

Client = TypeVar("Client")


class BrokerUnavailable(Exception):
    """The broker cannot be reached, or is not ready; try again later."""


class _Manager(KafkaConnectionManager):  # type: ignore[misc]
    """kafka-python's, which before the first connection tries no login again that has failed.

    Brokers say why and hang up; where both arrive at once, kafka-python reads the hanging up alone.
    """

    def __init__(self, net: NetworkSelector, **configs: Any) -> None:
        super().__init__(net, **configs)
        self._refusals: dict[Any, Exception] = {}
        self._hang_ups: Counter[Any] = Counter()

    def get_connection(self, node_id: Any, *args: Any, **options: Any) -> Any:
        if node_id in self._refusals and not self.bootstrapped:
            raise self._refusals[node_id]

        def note(error: Exception) -> None:
            if isinstance(error, _REFUSALS):
                self._refusals[node_id] = error
            elif connection.sasl_enabled and connection.parser is not None:  # it was there, and hung up
                self._hang_ups[node_id] += 1
                if self._hang_ups[node_id] == HANG_UPS:
                    self._refusals[node_id] = SaslAuthenticationFailedError(
                        "the broker hangs up on it, as for a wrong name or password"
                    )

        connection = super().get_connection(node_id, *args, **options)
        connection.init_future.add_errback(note)
        return connection


def connect(client: Callable[..., Client], settings: KafkaSettings, **options: Any) -> Client:
    """Return a kafka-python client of the brokers of ``settings``.

    Raises:
        BrokerUnavailable: no broker answers in time, or lets us in; the text says why.
    """
    if settings.uses_tls:
        options["ssl_context"] = settings.tls()
        if problem := _tls_problem(settings, options["ssl_context"]):
            raise BrokerUnavailable(problem)
    if settings.uses_sasl:
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": _name(settings),
            "sasl_plain_password": settings.kafka_password(),
        }
    opened: list[KafkaNetClient] = []

    def network(**configs: Any) -> KafkaNetClient:
        net = NetworkSelector(**configs)
        opened.append(KafkaNetClient(net, _Manager(net, **configs), **configs))
        return opened[-1]

    try:
        return client(
            bootstrap_servers=settings.bootstrap_servers(),
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            security_protocol=settings.kafka_security_protocol,
            kafka_client=network,
            **options,
        )
    except (KafkaTimeoutError, *_REFUSALS) as error:
        for each in opened:  # or every attempt would leave a thread and its sockets behind
            each.close()
        raise BrokerUnavailable(_why(settings, error)) from error


@contextmanager
def administering(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """Give a client that looks at topics and makes them, and close it afterwards.

    Raises:
        BrokerUnavailable: no broker answers, or not in time, or not as asked.
    """
    try:
        admin = connect(KafkaAdminClient, settings, request_timeout_ms=ADMIN_TIMEOUT_MS)
        try:
            yield admin
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(_elsewhere(settings, admin) or f"{settings.kafka_bootstrap}: {error}") from error
        finally:
            admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"{settings.kafka_bootstrap}: {error}") from error


def credentials(settings: KafkaSettings) -> Any:
    """Return the same for aiokafka's consumer and producer, as Faust wants to have it: its ``broker_credentials``."""
    import faust  # here, because it takes a second that no command has to spare

    context = settings.tls() if settings.uses_tls else None
    if settings.uses_sasl:
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_password(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


def _elsewhere(settings: KafkaSettings, admin: KafkaAdminClient) -> str | None:
    """Return which broker nobody reaches at the address that the brokers give of it; None where all are reached."""
    for node in admin._manager.cluster.brokers():
        try:
            socket.create_connection((node.host, node.port), TCP_TIMEOUT_S).close()
        except OSError as error:
            return (
                f"broker {node.node_id} cannot be reached at {node.host}:{node.port} ({error.strerror or error}):"
                f" {settings.kafka_bootstrap} answers, and tells clients to come there; correct advertised.listeners of"
                " that broker, or let that address be reached from here"
            )
    return None


def _why(settings: KafkaSettings, error: Exception) -> str:
    if isinstance(error, KafkaTimeoutError):
        protocol = f"{settings.kafka_security_protocol} ({PROTOCOL})"
        within = f"no broker of {settings.kafka_bootstrap} has answered within {BOOTSTRAP_TIMEOUT_MS // 1000} s"
        return f"{within}; is it {protocol} that is spoken there?"
    name = f"{settings.kafka_sasl_username} (HXI_KAFKA_SASL_USERNAME)"
    return f"the login of {name} with {settings.kafka_sasl_mechanism} was refused: {error.args[0]}"


def _name(settings: KafkaSettings) -> str:
    """Return the user's name as SCRAM has it (RFC 5802, 5.1), which kafka-python forgets and aiokafka does not."""
    name = settings.kafka_sasl_username or ""
    if settings.kafka_sasl_mechanism == "PLAIN":
        return name
    return name.replace("=", "=3D").replace(",", "=2C")


def _tls_problem(settings: KafkaSettings, context: ssl.SSLContext) -> str | None:
    """Return why TLS fails with every broker that can be reached; None where it works, or none can be reached."""
    problem = None
    for server in settings.bootstrap_servers():
        with suppress(OSError):  # away, which the client waits for
            problem = _tried(server, context)
            if problem is None:
                return None
    return problem


def _tried(server: str, context: ssl.SSLContext) -> str | None:
    """Return why TLS with ``server`` fails, if it does; raises OSError where nobody listens."""
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with socket.create_connection((host, int(port)), TLS_TIMEOUT_S) as wire:
        try:
            with context.wrap_socket(wire, server_hostname=host) as talk:
                talk.sendall(WHICH_VERSIONS)
                return None if talk.recv(1) else f"{server} hung up as soon as TLS was agreed on"
        except ssl.SSLCertVerificationError as error:
            return f"{server} cannot be trusted: {error.verify_message.rstrip('.')}"
        except ssl.SSLError as error:
            return f"TLS with {server} failed: {_said(error)}"
        except ConnectionError as error:
            return f"{server} hung up while TLS was agreed on: {error.strerror}"


def _said(error: ssl.SSLError) -> str:
    reason = (error.reason or "no reason given").replace("_", " ").lower()
    if "alert" in reason and "certificate" in reason:
        return f"it wants another certificate of ours, or any at all (HXI_KAFKA_SSL_CERT_FILE): {reason}"
    if reason in {"wrong version number", "record layer failure", "unexpected eof while reading"}:
        return f"does it speak TLS at that port? {reason}"
    return reason
