"""Where a database lets nobody in, doctor, migration and worker say exactly why and what to do, in the same words."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from agents.embedded import Postgres
from tests.conftest import new_database
from tests.deployment import Deployment, fresh_name

Parts = dict[str, str]


def changed(url: str, user: str = "", password: str = "", host: str = "", port: str = "", path: str = "") -> str:
    """Return the URL with other parts."""
    was = urlsplit(url)
    login = f"{user or was.username}:{password or was.password}"
    return was._replace(netloc=f"{login}@{host or was.hostname}:{port or was.port}", path=path or was.path).geturl()


@pytest.fixture
def stranger(deployment: Deployment) -> Iterator[str]:
    """The URL of a login that may do nothing."""
    name = fresh_name("stranger")
    with psycopg.connect(deployment.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'x'".encode())
        yield changed(deployment.database_url, user=name, password="x")
        connection.execute(f'DROP ROLE "{name}"'.encode())


@pytest.mark.parametrize(
    ("parts", "cause", "remedy"),
    [
        ({"path": "/nowhere"}, 'database "nowhere" does not exist', 'createdb -h {host} -p {port} "nowhere", then hxi'),
        ({"password": "another-one"}, "password authentication failed for user ", "HXI_DATABASE_PASSWORD_FILE"),
        ({"port": "1"}, "Connection refused", "nothing listens there: start the server"),
        (
            {"host": "nowhere.invalid"},
            "failed to resolve host 'nowhere.invalid'",
            "correct the host in HXI_DATABASE_URL",
        ),
        ({"user": "hxi_owner"}, "password authentication failed", "no such role, or not its password"),
    ],
    ids=["no such database", "wrong password", "no server", "no such host", "no such login"],
)
def test_a_database_that_lets_nobody_in_says_why_and_what_to_do(
    deployment: Deployment, parts: Parts, cause: str, remedy: str
) -> None:
    url = changed(deployment.database_url, **parts)
    where = urlsplit(deployment.database_url)
    doctor = deployment.hxi("doctor", ok=False, HXI_DATABASE_URL=url)
    migrate = deployment.hxi("migrate", ok=False, HXI_DATABASE_URL=url)
    assert doctor.returncode == migrate.returncode == 1
    (failed,) = (line for line in doctor.stdout.decode().splitlines() if line.startswith("FAIL"))
    for text in (failed, migrate.stderr.decode()):
        assert cause in text
        assert remedy.format(host=where.hostname, port=where.port) in text.partition(cause)[2]
        assert f"{urlsplit(url).password}" not in text


def test_a_worker_says_it_in_the_same_words_and_waits(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_DATABASE_URL=changed(deployment.database_url, path="/nowhere"))
    worker.wait_until_said("then hxi migrate; or correct the name at the end of HXI_DATABASE_URL")
    assert worker.running


@pytest.mark.parametrize("command", ["doctor", "migrate", "worker"])
def test_a_login_that_lacks_rights_is_told_which_to_ask_for(
    deployment: Deployment, stranger: str, command: str
) -> None:
    done = deployment.hxi(command, ok=False, HXI_DATABASE_URL=stranger)
    assert done.returncode == 1
    text = (done.stdout + done.stderr).decode()
    assert "permission denied for table _yoyo_migration; a worker's login has to be a member of hxi_writer" in text


@pytest.mark.parametrize("command", ["doctor", "migrate", "worker"])
def test_a_login_that_may_not_use_the_schema_is_not_told_that_tables_are_missing(
    deployment: Deployment, stranger: str, command: str
) -> None:
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    done = deployment.hxi(command, ok=False, HXI_DATABASE_URL=stranger)
    assert done.returncode == 1
    text = (done.stdout + done.stderr).decode()
    assert "permission denied for schema public" in text
    assert "GRANT hxi_writer TO" in text
    assert "lacks" not in text


def test_who_may_not_make_tables_is_told_so_before_anything_is_made(
    deployment: Deployment, postgres: Postgres, stranger: str
) -> None:
    empty = urlsplit(new_database(postgres.address, fresh_name("empty")))
    done = deployment.hxi("migrate", ok=False, HXI_DATABASE_URL=changed(stranger, path=empty.path))
    assert "permission denied for schema public" in done.stderr.decode()
    assert "GRANT USAGE, CREATE ON SCHEMA public" in done.stderr.decode()
