"""docker-compose.yml and the Dockerfile agree with the program and with the tests. Starts none of its containers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict
from typer.main import get_command

from agents.cli import app
from agents.embedded import Postgres
from agents.embedded.postgres import _programs
from agents.replay_page import PLAYER, PLAYER_SCRIPT, PLAYER_STYLE
from agents.settings import PREFIX, Settings, load_settings
from pipeline.sinks.migrations import check_schema, migrate
from tests.servers.kafka_in_docker import kafka_image

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
DOCKERFILE: Final = ROOT / "Dockerfile"

FILE: Final[dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())
SERVICES: Final[dict[str, Any]] = FILE["services"]
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
    for name in ("database-owner", "database-worker", "database-analyst"):
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


GROUPS: Final = {"worker": "hxi_writer", "analyst": "hxi_analyst"}


def test_the_logins_of_workers_and_of_grafana_can_do_their_work_and_no_more(
    own_postgres: Postgres, secrets: Path
) -> None:
    migrate(own_postgres.address)
    owner = urlsplit(own_postgres.address)
    (secrets / "database-owner").write_text(f"{owner.password}\n")
    (shell, flag, script) = SERVICES["logins"]["command"]

    there = {"PGHOST": owner.hostname, "PGPORT": owner.port, "PGUSER": owner.username, "PGDATABASE": owner.path[1:]}
    there |= {"PATH": f"{_programs()}:{os.environ['PATH']}"}

    for password in ("first", 'it\'s "another" $HOME `id` \\'):
        for name in GROUPS:
            (secrets / f"database-{name}").write_text(f"{name}, {password}\n")
        command = script.replace("$$", "$").replace(SECRETS, f"{secrets}/")
        subprocess.run([shell, flag, command], env={name: str(value) for name, value in there.items()}, check=True)
        check_schema(as_who(owner, "worker", secrets))
        with psycopg.connect(as_who(owner, "analyst", secrets)) as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)

    with psycopg.connect(own_postgres.address) as connection:
        roles = (
            "SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members WHERE member = ANY(%s::regrole[])"
        )
        assert dict(connection.execute(roles, [list(GROUPS)]).fetchall()) == GROUPS


def as_who(owner: SplitResult, name: str, secrets: Path) -> str:
    """Return the database's URL for one of the logins, its password from its file."""
    url = owner._replace(netloc=f"{name}@{owner.hostname}:{owner.port}").geturl()
    file = str(secrets / f"database-{name}")
    return load_settings({"HXI_DATABASE_URL": url, "HXI_DATABASE_PASSWORD_FILE": file}).database_url


def test_who_makes_the_logins_does_it_as_the_owner_once_migrated_and_who_needs_them_waits_for_that() -> None:
    maker = SERVICES["logins"]
    server = SERVICES["postgres"]["environment"]

    assert maker["environment"] == {
        "PGHOST": "postgres",
        "PGUSER": server["POSTGRES_USER"],
        "PGDATABASE": server["POSTGRES_DB"],
    }
    assert maker["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    for service in ("worker", "grafana"):
        assert SERVICES[service]["depends_on"]["logins"] == {"condition": "service_completed_successfully"}


def test_every_password_that_is_mounted_is_made_by_make() -> None:
    mounted = {name for each in SERVICES.values() for name in each.get("secrets", [])}
    (made,) = re.findall(r"^up: \$\(addprefix \.secrets/,([\w -]+)\)", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(made.split()) == mounted
    assert {name: {"file": f".secrets/{name}"} for name in mounted} == FILE["secrets"]


ONCE: Final = {"migrate", "logins"}
"""They end by themselves."""


@pytest.mark.parametrize("service", list(SERVICES))
def test_every_service_is_bounded(service: str) -> None:
    bounds = {"mem_limit", "cpus", "pids_limit"}

    assert SERVICES[service].keys() >= bounds
    assert SERVICES[service]["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - ONCE - {"load", "retention"}))
def test_what_stays_up_says_how_it_is_and_comes_back(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", sorted({"migrate", "logins", "worker", "load"}))
def test_what_is_ours_may_write_to_tmp_alone_and_never_become_more(service: str) -> None:
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["tmpfs"] == ["/tmp"]
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[service]["networks"] == ["inside"], "which has no way out"


def test_load_is_a_command_that_goes_on_until_stopped_and_comes_only_when_called() -> None:
    (shell, flag), (script,) = SERVICES["load"]["entrypoint"], SERVICES["load"]["command"]
    (_, hxi, *arguments) = shlex.split(script.replace("$$LOAD_RATE", "500").replace("$$(date +%s)", "7"))

    assert (shell, flag, hxi) == ("sh", "-c", "hxi")
    assert SERVICES["load"]["profiles"] == ["load"]
    (command, *options) = arguments
    given = get_command(app).commands[command].make_context(command, options).params  # type: ignore[attr-defined]
    assert given | {"publish": True, "events": 0, "rate": 500.0, "seed": 7} == given


def environment(file: Path, line: str) -> dict[str, str]:
    """Return the names and values that the lines of ``file`` set."""
    return dict(re.findall(line, file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("image", re.findall(r"^ +image: (\S+)", COMPOSE.read_text(), re.MULTILINE))
def test_every_image_is_pinned_by_a_tag(image: str) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.?\d*", image)


def test_the_base_images_are_pinned_to_a_python_with_its_debian_and_a_node() -> None:
    bases = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE))

    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", bases["BASE_IMAGE"])
    assert re.fullmatch(r"node:\d+-slim", bases["NODE_IMAGE"])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)) == {f"${{{name}}}" for name in bases}


def test_the_image_has_the_player_where_pages_are_made_with_it() -> None:
    lines = DOCKERFILE.read_text().replace("\\\n", "")
    ((files, folder),) = re.findall(r"^COPY --from=player (.+) (\S+)$", lines, re.MULTILINE)

    assert [Path(file).name for file in files.split()] == [PLAYER_SCRIPT, PLAYER_STYLE]
    assert Path(folder).relative_to("/opt/hxi") == PLAYER.relative_to(sys.prefix)


def test_kafka_has_the_version_that_the_tests_run_on() -> None:
    assert re.findall(r"image: (apache/kafka:\S+)", COMPOSE.read_text()) == [kafka_image()]


def test_postgres_has_the_version_that_the_tests_run_on(postgres: Postgres) -> None:
    with psycopg.connect(postgres.address) as connection:
        version = connection.execute("SHOW server_version").fetchone()

    assert {SERVICES[service]["image"] for service in ("postgres", "logins")} == {
        f"postgres:{version[0] if version else ''}"
    }


def test_the_image_is_tagged_with_the_version_of_the_project() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert f"image: hxi:{version}\n" in COMPOSE.read_text()


def test_the_database_account_is_not_named_like_a_schema() -> None:
    accounts = {urlsplit(SERVICES[each]["environment"]["HXI_DATABASE_URL"]).username for each in ("migrate", "worker")}

    assert accounts.isdisjoint({"hxi", "hxi_state", "analytics"}), "their search_path would find it before public"


def test_ports_are_published_to_this_machine_alone() -> None:
    published = re.findall(r'^ +ports: \["(\S+)"\]$', COMPOSE.read_text(), re.MULTILINE)

    assert len(published) == COMPOSE.read_text().count("ports:") == 4
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_file_of_ours_that_is_mounted_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ()) if mount.startswith(".")]

    assert mounts, "none was found, so none was checked"
    assert not [mount for mount in mounts if not (ROOT / mount.partition(":")[0]).exists()]
