"""Where Kafka is, and how connections to it are kept safe: half of that is an error that says what is missing.

Host names are always verified; there is no setting to leave that out.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, field_validator, model_validator

from agents.hosts import is_host, is_port
from agents.secret_file import SecretFile, given_twice, revealed

PROTOCOL = "HXI_KAFKA_SECURITY_PROTOCOL"
ALLOWS = "HXI_KAFKA_ALLOW_SASL_WITHOUT_TLS"
SASL = "kafka_sasl_"
TLS = "kafka_ssl_"


def _is_readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    return path


def _holds_certificates(path: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(_is_readable(path))
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM form") from None
    return path


CertificateFile = Annotated[Path, AfterValidator(_holds_certificates)]
KeyFile = Annotated[Path, AfterValidator(_is_readable)]


class KafkaSettings(BaseModel):
    """What is said of Kafka in :class:`agents.settings.Settings`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka_bootstrap: str = "localhost:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_sasl_password_file: SecretFile | None = None
    kafka_allow_sasl_without_tls: bool = False
    kafka_ssl_ca_file: CertificateFile | None = None
    kafka_ssl_cert_file: CertificateFile | None = None
    kafka_ssl_key_file: KeyFile | None = None
    kafka_ssl_key_password: SecretStr | None = None
    kafka_ssl_key_password_file: SecretFile | None = None

    @field_validator("kafka_bootstrap")
    @classmethod
    def _is_a_list_of_servers(cls, value: str) -> str:
        if "@" in value:  # which may be a password's too, so nothing is quoted
            raise ValueError(
                "has an @ in it: name and password go into HXI_KAFKA_SASL_USERNAME and HXI_KAFKA_SASL_PASSWORD_FILE"
            )
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not (is_host(host.removeprefix("[").removesuffix("]")) and is_port(port)):
                raise ValueError("is not host:port, or several of them with commas between")
        return value

    @model_validator(mode="after")
    def _security_is_whole(self) -> Self:
        if problems := [*self._missing_of_sasl(), *self._missing_of_tls()]:
            raise ValueError("; ".join(problems))
        if self.uses_tls:
            self.tls()
        return self

    def bootstrap_servers(self) -> list[str]:
        """Return the brokers to ask first, each as ``host:port``."""
        return [server.strip() for server in self.kafka_bootstrap.split(",")]

    @property
    def uses_sasl(self) -> bool:
        """Whether we say to brokers who we are by name and password."""
        return self.kafka_security_protocol.startswith("SASL")

    @property
    def uses_tls(self) -> bool:
        """Whether connections to brokers are encrypted."""
        return self.kafka_security_protocol.endswith("SSL")

    def kafka_password(self) -> str:
        """Return the password of SASL, from wherever it was given."""
        return revealed(self.kafka_sasl_password or self.kafka_sasl_password_file)

    def tls(self) -> ssl.SSLContext:
        """Return how TLS connections are made: from version 1.2 on, to hosts that prove their names.

        Without a CA file, the certificates that the system trusts count.

        Raises:
            ValueError: the key cannot be used; the text names its setting.
        """
        context = ssl.create_default_context(cafile=self.kafka_ssl_ca_file)
        if self.kafka_ssl_cert_file is not None:
            password = revealed(self.kafka_ssl_key_password or self.kafka_ssl_key_password_file)
            try:  # given as a function even if empty: otherwise OpenSSL would ask whoever sits at the terminal
                context.load_cert_chain(self.kafka_ssl_cert_file, self.kafka_ssl_key_file, lambda: password)
            except (ssl.SSLError, ValueError) as error:
                raise ValueError(f"HXI_KAFKA_SSL_KEY_FILE is wrong: {_why_no_key(error)}") from None
        return context

    def at_own_broker(self, bootstrap: str) -> Self:
        """Return these settings for an embedded broker on this machine, which knows no security."""
        return self.model_copy(update={"kafka_bootstrap": bootstrap, "kafka_security_protocol": "PLAINTEXT"})

    def _missing_of_sasl(self) -> Iterator[str]:
        if self.kafka_allow_sasl_without_tls and self.kafka_security_protocol != "SASL_PLAINTEXT":
            yield f"{ALLOWS} is set, and {PROTOCOL} is {self.kafka_security_protocol}, not SASL_PLAINTEXT"
        if not self.uses_sasl:
            yield from self._given_in_vain(SASL, "SASL_SSL")
            return
        if twice := given_twice("kafka_sasl_password", self.model_fields_set):
            yield twice
        if not self.kafka_sasl_username:
            yield f"{PROTOCOL} is {self.kafka_security_protocol}, and HXI_KAFKA_SASL_USERNAME is missing"
        if not (self.kafka_sasl_password or self.kafka_sasl_password_file):
            missing = "HXI_KAFKA_SASL_PASSWORD, or HXI_KAFKA_SASL_PASSWORD_FILE,"
            yield f"{PROTOCOL} is {self.kafka_security_protocol}, and {missing} is missing"
        if not self.uses_tls and not self.kafka_allow_sasl_without_tls:
            yield (
                f"{PROTOCOL} is SASL_PLAINTEXT, with which passwords and events cross the network in the clear:"
                f" use SASL_SSL, or allow it with {ALLOWS}=true"
            )

    def _missing_of_tls(self) -> Iterator[str]:
        if not self.uses_tls:
            yield from self._given_in_vain(TLS, "SASL_SSL" if self.uses_sasl else "SSL")
            return
        if twice := given_twice("kafka_ssl_key_password", self.model_fields_set):
            yield twice
        for given, missing in (("cert", "key"), ("key", "cert")):
            if f"{TLS}{given}_file" in self.model_fields_set and f"{TLS}{missing}_file" not in self.model_fields_set:
                yield f"HXI_KAFKA_SSL_{given.upper()}_FILE is set, and HXI_KAFKA_SSL_{missing.upper()}_FILE is missing"
        if (self.kafka_ssl_key_password or self.kafka_ssl_key_password_file) and self.kafka_ssl_key_file is None:
            yield "HXI_KAFKA_SSL_KEY_PASSWORD is set, and HXI_KAFKA_SSL_KEY_FILE is missing"

    def _given_in_vain(self, kind: str, protocol: str) -> Iterator[str]:
        for name in sorted(self.model_fields_set):
            if name.startswith(kind):
                yield f"HXI_{name.upper()} is set, and {PROTOCOL} is {self.kafka_security_protocol}, not {protocol}"


def _why_no_key(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "its key is not the one of HXI_KAFKA_SSL_CERT_FILE"
    return "it holds no private key in PEM form that HXI_KAFKA_SSL_KEY_PASSWORD, or its lack, opens"
