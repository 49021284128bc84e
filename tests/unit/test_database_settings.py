"""Where the database is is checked at the start, and its password is shown nowhere: not even a part of it."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from agents.settings import SettingsError, load_settings

SECRET = "zebra"
ALLOW = "HXI_DATABASE_ALLOW_UNVERIFIED_TLS"


def complaint(**environment: str) -> str:
    """Return what is said of a wrong environment, in which nothing of the password may be."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    said = str(caught.value)
    assert SECRET not in said
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://u:zebra@host/db", "is no URL that libpq understands"),
        ("u:zebra@host", "is no URL that libpq understands"),
        ("zebra", "is no URL that libpq understands"),
        ("postgresql://u:zebra%zz@host/db", "is no URL that libpq understands"),
        ("postgresql://u:ze zebra@host/db", "is no URL that libpq understands"),
        ("postgresql://u:zebra@[::1/db", "is no URL that libpq understands"),
        ("postgresql://u:x@host/db?zebra=1", "is no URL that libpq understands"),
        ("host=h password='zebra", "is no URL that libpq understands"),
        ("postgresql://u:p@zebra@host/db", "has an @ behind the one before its host"),
        ("postgresql://u:12/zebra@host/db", "has an @ behind the one before its host"),
        ("postgresql://u:zebra/x@host/db", "has no number from 1 to 65535 for a port"),
        ("postgresql://u:x@host:zebra/db", "has no number from 1 to 65535 for a port"),
        ("postgresql://u:p@ss@h:99999999/x", "has no number from 1 to 65535 for a port"),
        ("postgresql://u:zebra@host:0/db", "has no number from 1 to 65535 for a port"),
        ("postgresql://u:zebra@host:65536/db", "has no number from 1 to 65535 for a port"),
        ("postgresql://a:5432,b:65536/db", "has no number from 1 to 65535 for a port"),
    ],
)
def test_a_url_that_is_none_or_not_what_was_meant_is_refused_and_not_quoted(url: str, said: str) -> None:
    assert complaint(HXI_DATABASE_URL=url).startswith(f"HXI_DATABASE_URL is wrong: {said}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:zebra@host:1/db",
        "postgres://u:z%40%2Fx@host:65535/db?sslmode=prefer",
        "postgresql://u:zebra?x#y@host/db",
        "postgresql://a:5432,b/db?target_session_attrs=read-write",
        "postgresql://[::1]:5432/db",
        "postgresql:///db?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/db",
        "host=a,b port=5432,5433 dbname=me@home",
        "postgresql://",
    ],
)
def test_what_libpq_understands_is_taken_as_it_is_and_not_shown(url: str) -> None:
    settings = load_settings({"HXI_DATABASE_URL": url})
    assert settings.database_url == url
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.model_copy(update={"web_port": 0}).database_url == url


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("ze'br\\a@/ %\n")
    url = "postgresql://u@a:1,b:2/db?sslmode=disable"
    settings = load_settings({"HXI_DATABASE_URL": url, "HXI_DATABASE_PASSWORD_FILE": str(file)})
    assert conninfo_to_dict(settings.database_url) == conninfo_to_dict(url) | {"password": "ze'br\\a@/ %"}
    assert "br" not in repr(settings).replace("_unverified", "")
    alone = load_settings({"HXI_DATABASE_PASSWORD_FILE": str(file)})
    assert conninfo_to_dict(alone.database_url)["password"] == "ze'br\\a@/ %"


def test_a_password_in_the_url_and_in_a_file_is_one_too_many(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET)
    said = complaint(HXI_DATABASE_URL="postgresql://u:zebra@h/db", HXI_DATABASE_PASSWORD_FILE=str(file))
    assert said.startswith("HXI_DATABASE_URL is wrong: holds a password, and HXI_DATABASE_PASSWORD_FILE names another")


def test_a_file_that_is_not_there_is_named_by_its_setting_alone(tmp_path: Path) -> None:
    said = complaint(HXI_DATABASE_PASSWORD_FILE=str(tmp_path / SECRET))
    assert said == ("HXI_DATABASE_PASSWORD_FILE is wrong: names a file that cannot be read (No such file or directory)")
