"""TLS to PostgreSQL is said in full, or it is an error at the start that says what is missing."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from agents.settings import SettingsError, load_settings
from tests.servers.certificates import Authority, Pair

ALLOW = "HXI_DATABASE_ALLOW_UNVERIFIED_TLS"
PASSWORD = "zebra"
OWN = ("sslcert", "sslkey", "sslpassword")
"""What belongs together."""


class Files:
    """Files and directories as the parameters of TLS name them."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory)
        self.mine = self.authority.issue("me@example.com", PASSWORD)
        self.junk = directory / "junk.pem"
        self.junk.write_text("this is no PEM\n")
        self.nowhere = directory / "nowhere"
        self.right = {
            "sslrootcert": str(self.authority.file),
            "sslcert": str(self.mine.certificate),
            "sslkey": str(self.mine.key),
            "sslpassword": PASSWORD,
            "sslcrl": str(self.authority.file),
            "sslcrldir": str(directory),
        }

    def whole(self, name: str) -> dict[str, str]:
        """Return ``name`` and what has to be there with it."""
        return {each: self.right[each] for each in (OWN if name in OWN else (name,))}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


def url(parameters: dict[str, str]) -> str:
    return f"postgresql://u@h/db?{urlencode(parameters)}"


def complaint(parameters: dict[str, str], **environment: str) -> str | None:
    """Return what is said of a URL with these parameters, None where it is taken."""
    try:
        load_settings({"HXI_DATABASE_URL": url(parameters), **environment})
    except SettingsError as error:
        said = str(error)
    else:
        return None
    assert PASSWORD not in said
    return said


EVERY = ["sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir"]


@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer", "require", "verify-ca"])
@pytest.mark.parametrize("name", EVERY)
def test_what_no_host_name_is_verified_with_is_refused_unless_allowed(files: Files, name: str, mode: str) -> None:
    given = files.whole(name) | ({"sslmode": mode} if mode else {})
    said = complaint(given) or ""
    assert name in said
    assert f"its sslmode, {mode or 'prefer'}, does not verify which host answers: make it verify-full" in said
    assert f"{ALLOW}=true" in said
    assert complaint(given, **{ALLOW: "true"}) is None


@pytest.mark.parametrize("mode", ["require", "verify-ca"])
def test_tls_that_verifies_no_host_is_refused_unless_allowed(mode: str) -> None:
    said = (
        f"its sslmode, {mode}, does not verify which host answers: make it verify-full, or allow it with {ALLOW}=true"
    )
    assert complaint({"sslmode": mode}) == f"HXI_DATABASE_URL is wrong: {said}"
    assert complaint({}, PGSSLMODE=mode) == f"HXI_DATABASE_URL is wrong: {said}"
    assert complaint({"sslmode": mode}, **{ALLOW: "true"}) is None


@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer", "verify-full"])
def test_without_tls_or_with_all_of_it_nothing_is_said(mode: str) -> None:
    assert complaint({"sslmode": mode}) is None


def test_everything_that_is_right_is_taken(files: Files) -> None:
    assert complaint(files.right | {"sslmode": "verify-full"}) is None


@pytest.mark.parametrize(("name", "missing"), [("sslcert", "sslkey"), ("sslkey", "sslcert"), ("sslpassword", "sslkey")])
@pytest.mark.parametrize("allowed", ["true", "false"])
def test_half_a_certificate_is_refused(files: Files, name: str, missing: str, allowed: str) -> None:
    said = f"HXI_DATABASE_URL is wrong: names {name} without {missing}: name both, or neither"
    assert complaint({name: files.right[name], "sslmode": "verify-full"}, **{ALLOW: allowed}) == said
    if name != "sslpassword":  # which libpq takes from URLs alone
        assert complaint({"sslmode": "verify-full"}, **{f"PG{name.upper()}": files.right[name], ALLOW: allowed}) == said


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"])
@pytest.mark.parametrize("allowed", ["true", "false"])
def test_what_is_not_there_is_refused(files: Files, name: str, allowed: str) -> None:
    said = complaint(files.right | {"sslmode": "verify-full", name: str(files.nowhere)}, **{ALLOW: allowed}) or ""
    assert f" as {name} that " in said
    assert "name another" in said


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl"])
def test_what_is_no_pem_is_refused(files: Files, name: str) -> None:
    said = complaint(files.right | {"sslmode": "verify-full", name: str(files.junk)}) or ""
    assert f"names a file as {name} that holds no " in said


def test_a_key_has_to_be_its_certificates_and_to_open(files: Files) -> None:
    other: Pair = files.authority.issue("other@example.com", PASSWORD)
    right = files.right | {"sslmode": "verify-full"}
    assert "the key of another certificate" in (complaint(right | {"sslkey": str(other.key)}) or "")
    assert "that sslpassword, or its lack, opens" in (complaint(right | {"sslpassword": "wrong"}) or "")
    assert "that sslpassword, or its lack, opens" in (complaint(right | {"sslpassword": ""}) or "")


def test_a_key_in_an_engine_is_libpqs_business(files: Files) -> None:
    assert complaint(files.right | {"sslmode": "verify-full", "sslkey": "engine:mine"}) is None


def test_certificates_of_the_system_need_no_mode() -> None:
    assert complaint({"sslrootcert": "system"}) is None
    assert "does not verify" in (complaint({"sslrootcert": "system", "sslmode": "require"}) or "")


def test_what_libpq_takes_from_the_environment_is_looked_at_too(files: Files) -> None:
    given = {"PGSSLROOTCERT": files.right["sslrootcert"]}
    assert "names sslrootcert, and its sslmode, prefer, does not" in (complaint({}, **given) or "")
    assert "sslmode, require, does not" in (complaint({}, **given, PGSSLMODE="require") or "")
    assert complaint({}, **given, PGSSLMODE="verify-full") is None
    assert "sslmode, require," in (complaint({"sslmode": "require"}, PGSSLMODE="verify-full") or "")
    assert "names a file as sslcrl that cannot be read" in (complaint({}, PGSSLCRL=str(files.nowhere)) or "")
