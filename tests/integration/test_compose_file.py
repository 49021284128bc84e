"""docker-compose.yml and the Dockerfile agree with the program and with the tests. Starts none of its containers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from agents.embedded import Postgres
from agents.embedded.postgres import _programs
from agents.settings import PREFIX, Settings, load_settings
from pipeline.sinks.migrations import check_schema, migrate
from tests.servers.kafka_in_docker import kafka_image

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
DOCKERFILE: Final = ROOT / "Dockerfile"

SERVICES: Final[dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
SECRETS: Final = "/run/secrets/"

SETTING: Final = re.compile(rf"\b{PREFIX}[A-Z0-9_]+")


@pytest.mark.parametrize("file", [COMPOSE, DOCKERFILE], ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(SETTING.findall(file.read_text()))

    assert named, "none was found, so none was checked"
    assert named <= {PREFIX + field.upper() for field in Settings.model_fields}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with the passwords, each of them its file's name."""
    for name in ("database-owner", "database-worker"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def given(service: str, secrets: Path) -> dict[str, str]:
    """Return the environment of a service, with the secrets that are mounted there in a folder of ours."""
    found: dict[str, str] = {}
    for name, value in SERVICES[service]["environment"].items():
        if value.startswith(SECRETS):
            assert value.removeprefix(SECRETS) in SERVICES[service]["secrets"]
        found[name] = value.replace(SECRETS, f"{secrets}/")
    return found


def test_the_worker_takes_the_settings_that_it_is_given(secrets: Path) -> None:
    settings = load_settings(environment(DOCKERFILE, rf"^.*\b({PREFIX}\w+)=(\S+)") | given("worker", secrets))

    assert settings.bootstrap_servers() == ["kafka:19092"]
    assert settings.web_host == "0.0.0.0", "the health check is all that could reach it otherwise"
    assert settings.data_dir.is_relative_to("/tmp"), "nothing else is writable"


def login(service: str, secrets: Path) -> Mapping[str, Any]:
    """Return who a service is to PostgreSQL, and where that is."""
    return conninfo_to_dict(load_settings(given(service, secrets)).database_url)


def test_workers_log_in_as_another_than_the_owner_who_migrates_and_know_no_other_password(secrets: Path) -> None:
    database = {"host": "postgres", "port": "5432", "dbname": SERVICES["postgres"]["environment"]["POSTGRES_DB"]}
    owner = SERVICES["postgres"]["environment"]["POSTGRES_USER"]

    assert login("migrate", secrets) == {**database, "user": owner, "password": "database-owner"}
    assert login("worker", secrets) == {**database, "user": "worker", "password": "database-worker"}
    assert SERVICES["worker"]["secrets"] == ["database-worker"]


def test_no_password_is_in_the_file_or_in_an_environment() -> None:
    named = [name for each in SERVICES.values() for name in each.get("environment", {}) if "PASSWORD" in name]

    assert named, "none was found, so none was checked"
    assert all(name.endswith("_FILE") for name in named)


def test_the_login_that_is_made_for_workers_can_do_their_work_and_no_more(
    own_postgres: Postgres, secrets: Path
) -> None:
    migrate(own_postgres.address)
    owner = urlsplit(own_postgres.address)
    (secrets / "database-owner").write_text(f"{owner.password}\n")
    (shell, flag, script) = SERVICES["worker-login"]["command"]

    there = {"PGHOST": owner.hostname, "PGPORT": owner.port, "PGUSER": owner.username, "PGDATABASE": owner.path[1:]}
    there |= {"PATH": f"{_programs()}:{os.environ['PATH']}"}

    for password in ("first", 'it\'s "another" $HOME `id` \\'):
        (secrets / "database-worker").write_text(f"{password}\n")
        command = script.replace("$$", "$").replace(SECRETS, f"{secrets}/")
        subprocess.run([shell, flag, command], env={name: str(value) for name, value in there.items()}, check=True)
        check_schema(
            load_settings(
                {
                    "HXI_DATABASE_URL": owner._replace(netloc=f"worker@{owner.hostname}:{owner.port}").geturl(),
                    "HXI_DATABASE_PASSWORD_FILE": str(secrets / "database-worker"),
                }
            ).database_url
        )

    with psycopg.connect(own_postgres.address) as connection:
        roles = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'worker'::regrole"
        assert connection.execute(roles).fetchall() == [("hxi_writer",)]


def test_who_makes_the_login_does_it_as_the_owner_once_migrated_and_workers_wait_for_that() -> None:
    maker = SERVICES["worker-login"]
    server = SERVICES["postgres"]["environment"]

    assert maker["environment"] == {
        "PGHOST": "postgres",
        "PGUSER": server["POSTGRES_USER"],
        "PGDATABASE": server["POSTGRES_DB"],
    }
    assert maker["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["worker"]["depends_on"]["worker-login"] == {"condition": "service_completed_successfully"}


def environment(file: Path, line: str) -> dict[str, str]:
    """Return the names and values that the lines of ``file`` set."""
    return dict(re.findall(line, file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("image", re.findall(r"^ +image: (\S+)", COMPOSE.read_text(), re.MULTILINE))
def test_every_image_is_pinned_by_a_tag(image: str) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:\d[\w.-]*", image)


def test_the_base_image_is_pinned_to_a_python_and_a_debian() -> None:
    (base,) = re.findall(r"^ARG BASE_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)

    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)) == {"${BASE_IMAGE}"}


def test_kafka_has_the_version_that_the_tests_run_on() -> None:
    assert re.findall(r"image: (apache/kafka:\S+)", COMPOSE.read_text()) == [kafka_image()]


def test_the_image_is_tagged_with_the_version_of_the_project() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert f"image: hxi:{version}\n" in COMPOSE.read_text()


def test_the_database_account_is_not_named_like_a_schema() -> None:
    accounts = {urlsplit(SERVICES[each]["environment"]["HXI_DATABASE_URL"]).username for each in ("migrate", "worker")}

    assert accounts.isdisjoint({"hxi", "hxi_state", "analytics"}), "their search_path would find it before public"


def test_ports_are_published_to_this_machine_alone() -> None:
    published = re.findall(r'^ +ports: \["(\S+)"\]$', COMPOSE.read_text(), re.MULTILINE)

    assert len(published) == COMPOSE.read_text().count("ports:") == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
