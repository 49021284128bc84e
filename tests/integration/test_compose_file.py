"""docker-compose.yml and the Dockerfile agree with the program and with the tests. Read as text; starts nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from agents.settings import PREFIX, Settings, load_settings
from tests.servers.kafka_in_docker import kafka_image

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
DOCKERFILE: Final = ROOT / "Dockerfile"

SETTING: Final = re.compile(rf"\b{PREFIX}[A-Z0-9_]+")


@pytest.mark.parametrize("file", [COMPOSE, DOCKERFILE], ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(SETTING.findall(file.read_text()))

    assert named, "none was found, so none was checked"
    assert named <= {PREFIX + field.upper() for field in Settings.model_fields}


def test_the_worker_takes_the_settings_that_it_is_given() -> None:
    given = environment(DOCKERFILE, rf"^.*\b({PREFIX}\w+)=(\S+)") | environment(COMPOSE, rf"^ +({PREFIX}\w+): (\S+)$")

    settings = load_settings(given)

    assert settings.bootstrap_servers() == ["kafka:19092"]
    assert settings.database_url == "postgresql://pipeline@postgres:5432/hxi_dashboard"
    assert settings.web_host == "0.0.0.0", "the health check is all that could reach it otherwise"
    assert settings.data_dir.is_relative_to("/tmp"), "nothing else is writable"


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
    (account,) = re.findall(r"^ +POSTGRES_USER: (\S+)$", COMPOSE.read_text(), re.MULTILINE)

    assert f"//{account}@" in environment(COMPOSE, rf"^ +({PREFIX}\w+): (\S+)$")["HXI_DATABASE_URL"]
    assert account != "hxi", "its search_path would find the schema hxi before public"


def test_ports_are_published_to_this_machine_alone() -> None:
    published = re.findall(r'^ +ports: \["(\S+)"\]$', COMPOSE.read_text(), re.MULTILINE)

    assert len(published) == COMPOSE.read_text().count("ports:") == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
