"""Half-configured security of Kafka is an error at the start that names what is missing, and shows no secret."""

import re
import ssl
from pathlib import Path
from typing import Any

import pytest
from kafka.net.sasl.scram import ScramClient

import agents
from agents.kafka_clients import connect, credentials
from agents.settings import Settings, SettingsError, load_settings
from tests.servers.certificates import Authority, Pair

SECRET = "correct horse"
ANNA = {"SASL_USERNAME": "anna", "SASL_PASSWORD": SECRET}

Given = dict[str, str]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def mine(authority: Authority) -> Pair:
    return authority.issue("mine@hxi.test", SECRET)


def load(protocol: str, given: Given) -> Settings:
    """Return the settings of a protocol; names without what they all begin with."""
    return load_settings(
        {f"HXI_KAFKA_{name}": value for name, value in (given | {"SECURITY_PROTOCOL": protocol}).items()}
    )


def complaint(protocol: str, given: Given) -> str:
    """Return what is said of a wrong configuration, in which no secret may be."""
    with pytest.raises(SettingsError) as caught:
        load(protocol, given)
    assert SECRET not in str(caught.value)
    return str(caught.value)


# fmt: off
HALF = [
    ("SASL_SSL", {}, "HXI_KAFKA_SASL_USERNAME is missing"),
    ("SASL_SSL", {}, "HXI_KAFKA_SASL_PASSWORD_FILE, is missing"),
    ("SASL_SSL", {"SASL_USERNAME": "anna"}, "HXI_KAFKA_SASL_PASSWORD, or HXI_KAFKA_SASL_PASSWORD_FILE, is missing"),
    ("SASL_SSL", {"SASL_PASSWORD": SECRET}, "HXI_KAFKA_SASL_USERNAME is missing"),
    ("SASL_SSL", ANNA | {"SASL_MECHANISM": "GSSAPI"}, "HXI_KAFKA_SASL_MECHANISM is wrong: Input should be 'SCRAM"),
    ("SASL_PLAINTEXT", ANNA, "in the clear: use SASL_SSL, or allow it with HXI_KAFKA_ALLOW_SASL_WITHOUT_TLS=true"),
    ("SASL_PLAINTEXT", ANNA | {"ALLOW_SASL_WITHOUT_TLS": "no"}, "HXI_KAFKA_ALLOW_SASL_WITHOUT_TLS=true"),
    ("PLAINTEXT", {"ALLOW_SASL_WITHOUT_TLS": "true"}, "_ALLOW_SASL_WITHOUT_TLS is set, and HXI_KAFKA_SECURITY"),
    ("SASL_SSL", ANNA | {"ALLOW_SASL_WITHOUT_TLS": "true"}, "_PROTOCOL is SASL_SSL, not SASL_PLAINTEXT"),
    ("PLAINTEXT", ANNA, "HXI_KAFKA_SASL_PASSWORD is set, and HXI_KAFKA_SECURITY_PROTOCOL is PLAINTEXT, not SASL_SSL"),
    ("SSL", ANNA, "HXI_KAFKA_SASL_USERNAME is set, and HXI_KAFKA_SECURITY_PROTOCOL is SSL, not SASL_SSL"),
    ("SSL", {"SASL_MECHANISM": "PLAIN"}, "HXI_KAFKA_SASL_MECHANISM is set, and HXI_KAFKA_SECURITY_PROTOCOL is SSL"),
    ("PLAINTEXT", {"SSL_CA_FILE": "CA"}, "HXI_KAFKA_SSL_CA_FILE is set, and HXI_KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
    ("SASL_PLAINTEXT", ANNA | {"SSL_CA_FILE": "CA"}, "HXI_KAFKA_SSL_CA_FILE is set, and HXI_KAFKA_SECURITY"),
    ("SSL", {"SSL_CERT_FILE": "CERT"}, "HXI_KAFKA_SSL_CERT_FILE is set, and HXI_KAFKA_SSL_KEY_FILE is missing"),
    ("SSL", {"SSL_KEY_FILE": "KEY"}, "HXI_KAFKA_SSL_KEY_FILE is set, and HXI_KAFKA_SSL_CERT_FILE is missing"),
    ("SSL", {"SSL_KEY_PASSWORD": SECRET}, "HXI_KAFKA_SSL_KEY_PASSWORD is set, and HXI_KAFKA_SSL_KEY_FILE is missing"),
    ("SSL", {"SSL_CA_FILE": "KEY"}, "HXI_KAFKA_SSL_CA_FILE is wrong: holds no certificate"),
    ("SSL", {"SSL_CA_FILE": "NOWHERE"}, "HXI_KAFKA_SSL_CA_FILE is wrong: cannot be read (No such file or directory)"),
    ("SSL", {"SSL_CA_FILE": "FOLDER"}, "HXI_KAFKA_SSL_CA_FILE is wrong: cannot be read (Is a directory)"),
    ("SSL", {"SSL_CERT_FILE": "KEY", "SSL_KEY_FILE": "KEY"}, "HXI_KAFKA_SSL_CERT_FILE is wrong: holds no certificate"),
    ("SSL", {"SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "NOWHERE"}, "HXI_KAFKA_SSL_KEY_FILE is wrong: cannot be read"),
    ("SSL", {"SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "CA"}, "HXI_KAFKA_SSL_KEY_FILE is wrong: it holds no private"),
    ("SSL", {"SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "KEY"}, "_KEY_FILE is wrong: it holds no private key"),
    ("SSL", {"SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "KEY", "SSL_KEY_PASSWORD": "guessed"}, "_KEY_FILE is wrong: it "),
    ("SSL", {"SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "ANOTHER"}, "its key is not the one of HXI_KAFKA_SSL_CERT_FILE"),
    ("TLS", {}, "HXI_KAFKA_SECURITY_PROTOCOL is wrong: Input should be 'PLAINTEXT', 'SSL', 'SASL_SSL' or 'SASL_PLAIN"),
]
# fmt: on


@pytest.mark.parametrize(("protocol", "given", "said"), HALF)
def test_half_of_a_configuration_is_refused_and_what_is_missing_is_named(
    authority: Authority, mine: Pair, tmp_path: Path, protocol: str, given: Given, said: str
) -> None:
    files = {
        "CA": authority.file,
        "CERT": mine.certificate,
        "KEY": mine.key,
        "ANOTHER": authority.issue("another@hxi.test").key,
        "NOWHERE": tmp_path / "nowhere",
        "FOLDER": tmp_path,
    }
    assert said in complaint(protocol, {name: str(files.get(value, value)) for name, value in given.items()})


@pytest.mark.parametrize("name", ["SASL_PASSWORD", "SSL_KEY_PASSWORD"])
def test_a_password_given_twice_is_refused(mine: Pair, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    twice = {name: SECRET, f"{name}_FILE": str(tmp_path / "secret")}
    key = {"SSL_CERT_FILE": str(mine.certificate), "SSL_KEY_FILE": str(mine.key)}
    said = complaint("SASL_SSL", {"SASL_USERNAME": "anna", "SASL_PASSWORD": SECRET} | key | twice)
    assert f"HXI_KAFKA_{name} and HXI_KAFKA_{name}_FILE are both set" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is no text"),
        (SECRET.encode() + b"\nmore\n", "with more than the one line of a password"),
        (SECRET.encode() + b"\0", "with more than the one line of a password"),
    ],
)
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / SECRET  # as if somebody had given the password where its file belongs
    if content is not None:
        file.write_bytes(content)
    complained = complaint("SASL_SSL", {"SASL_USERNAME": "anna", "SASL_PASSWORD_FILE": str(file)})
    assert complained.startswith("HXI_KAFKA_SASL_PASSWORD_FILE is wrong: names a file ")
    assert said in complained


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_password_may_be_in_a_file_whose_last_line_end_does_not_count(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "secret").write_bytes(b" " + SECRET.encode() + b" " + end)
    settings = load("SASL_SSL", {"SASL_USERNAME": "anna", "SASL_PASSWORD_FILE": str(tmp_path / "secret")})
    assert settings.kafka_password() == f" {SECRET} "
    assert SECRET not in repr(settings) + str(settings)


def test_no_representation_shows_a_password(mine: Pair) -> None:
    key = {"SSL_CERT_FILE": str(mine.certificate), "SSL_KEY_FILE": str(mine.key), "SSL_KEY_PASSWORD": SECRET}
    settings = load("SASL_SSL", ANNA | key)
    assert SECRET not in f"{settings!r} {settings} {credentials(settings)!r} {settings.model_dump()}"


@pytest.mark.parametrize("given", [{}, {"SSL_CA_FILE": "CA"}])
def test_names_are_verified_and_old_versions_refused_whatever_is_set(authority: Authority, given: Given) -> None:
    context = load("SSL", {name: str(authority.file) for name in given}).tls()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_faust_gets_what_the_settings_say() -> None:
    assert credentials(load("PLAINTEXT", {})) is None
    assert credentials(load("SSL", {})).context.check_hostname
    sasl = credentials(load("SASL_SSL", ANNA | {"SASL_MECHANISM": "SCRAM-SHA-256"}))
    assert (sasl.protocol.value, sasl.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (sasl.username, sasl.password, sasl.ssl_context.check_hostname) == ("anna", SECRET, True)
    clear = credentials(load("SASL_PLAINTEXT", ANNA | {"ALLOW_SASL_WITHOUT_TLS": "true"}))
    assert (clear.protocol.value, clear.mechanism.value, clear.ssl_context) == ("SASL_PLAINTEXT", "SCRAM-SHA-512", None)


@pytest.mark.parametrize(("mechanism", "sent"), [("SCRAM-SHA-512", b"n=a=3Db=2Cc,r="), ("PLAIN", b"n=a=b,c,r=")])
def test_a_name_is_escaped_for_scram_alone(mechanism: str, sent: bytes) -> None:
    allowed = {"SASL_MECHANISM": mechanism, "SASL_USERNAME": "a=b,c", "ALLOW_SASL_WITHOUT_TLS": "true"}
    options: dict[str, Any] = connect(dict, load("SASL_PLAINTEXT", ANNA | allowed))
    client = ScramClient(options["sasl_plain_username"], options["sasl_plain_password"], "SCRAM-SHA-512")
    assert sent in client.first_message()


def test_an_embedded_broker_is_met_without_security() -> None:
    settings = load("SASL_SSL", ANNA).at_own_broker("127.0.0.1:9")
    options: dict[str, Any] = connect(dict, settings)
    assert (options["bootstrap_servers"], options["security_protocol"]) == (["127.0.0.1:9"], "PLAINTEXT")
    assert not {"ssl_context", "sasl_plain_password"} & options.keys()


def test_no_client_is_made_but_by_the_one_function_that_keeps_it_safe() -> None:
    made = re.compile(r"\b(Kafka(Consumer|Producer|AdminClient)|AIOKafka\w+)\(|bootstrap_servers=")
    files = [file for file in Path(agents.__file__).parent.rglob("*.py") if made.search(file.read_text("utf-8"))]
    assert {file.name for file in files} == {"kafka_clients.py"}
