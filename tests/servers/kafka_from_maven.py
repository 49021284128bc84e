"""Fetches Apache Kafka's jars with Maven, once, and says within seconds when that cannot be done. Starts no broker.

A repository that is merely slow is waited for; one that refuses, or takes the question and never answers, is not. What
tells them apart is the first file: it is small, so a repository that has not sent it soon will not send the rest.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers.child_process import spawn
from tests.servers.kafka_settings import POM, kafka_version

CACHE: Final = Path(__file__).resolve().parents[2] / ".hxi"

# From the first question to the first small file. A silent repository is given up after this; a working one needed 1 s.
FIRST_ANSWER_SECONDS: Final = 10.0
# Everything, on a slow line: about 65 MB with Maven's own plugin; 14 s and 41 s were seen.
DOWNLOAD_SECONDS: Final = 600.0
OLDEST_JAVA: Final = 17  # what Kafka 4's broker needs

_ONCE_REFUSED_GIVE_UP: Final = (
    "-Daether.connector.connectTimeout=5000",
    "-Daether.connector.requestTimeout=30000",
    "-Daether.connector.http.retryHandler.count=0",
    "-Dmaven.wagon.rto=30000",
    "-Dmaven.wagon.http.retryHandler.count=0",
)

# In full: to look the short name up, Maven asks the repository in a way that hides why it got no answer.
_COPY_JARS: Final = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"


class MavenUnavailable(Exception):
    """Apache Kafka cannot be had from Maven here; the text says why in one sentence."""


def java() -> Path:
    """Return the Java to run the broker with: the one of ``JAVA_HOME``, else of the search path.

    Raises:
        MavenUnavailable: If there is none, or it is older than Kafka needs.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if program is None:
        raise MavenUnavailable("there is no java")
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MavenUnavailable(f"java does not run ({error})") from error
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise MavenUnavailable(f"java {version[1] if version else '?'} is not Java {OLDEST_JAVA} or newer")
    return Path(program)


def kafka_jars(cache: Path = CACHE, arguments: Sequence[str] = ()) -> Path:
    """Return the directory of Apache Kafka's jars, fetching them if they are not there.

    Args:
        cache: Where the directory is kept. Several runs may share it: one fetches, the others wait.
        arguments: More arguments for Maven.

    Raises:
        MavenUnavailable: If Maven is missing or could not fetch them.
    """
    recipe = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    jars = cache / f"kafka-{kafka_version()}-{recipe}"
    if jars.is_dir():  # it gets this name only when complete
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise MavenUnavailable("there is no mvn, and Kafka's jars were not fetched before")
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(jars.with_name(jars.name + ".lock")):
        if not jars.is_dir():
            _fetch(maven, jars, arguments)
    return jars


def _fetch(maven: str, jars: Path, arguments: Sequence[str]) -> None:
    unfinished = jars.with_name(jars.name + ".unfinished")
    log = jars.with_name(jars.name + ".log")
    shutil.rmtree(unfinished, ignore_errors=True)
    log.unlink(missing_ok=True)
    command = [maven, "-B", "-U", "-Dstyle.color=never", "-f", str(POM), *_ONCE_REFUSED_GIVE_UP, *arguments]
    process = spawn([*command, _COPY_JARS, f"-DoutputDirectory={unfinished}"], log)
    try:
        _watch(process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    unfinished.rename(jars)


def _watch(process: subprocess.Popen[bytes], log: Path) -> None:
    started = time.monotonic()
    asked: float | None = None
    while process.poll() is None:
        said, now = log.read_text(errors="replace"), time.monotonic()
        if asked is None and "Downloading from" in said:
            asked = now
        if asked is not None and "Downloaded from" not in said and now - asked > FIRST_ANSWER_SECONDS:
            raise MavenUnavailable(f"Maven's repository did not answer within {FIRST_ANSWER_SECONDS:.0f} s")
        if now - started > DOWNLOAD_SECONDS:
            raise MavenUnavailable(f"Maven was not done after {DOWNLOAD_SECONDS:.0f} s")
        time.sleep(0.1)
    if process.returncode:
        raise MavenUnavailable(f"Maven failed: {_first_error(log)}")


def _first_error(log: Path) -> str:
    errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("[ERROR]")]
    text = errors[0].removeprefix("[ERROR]").split(" -> [Help")[0].strip() if errors else "it did not say why"
    cause = re.search(r"Could not (?:transfer|find) artifact .*", text)
    # Addresses go: they are long, said twice, and may carry a password.
    return re.sub(r"(?:: transfer failed for)? \(?https?://\S+?\)?(?=:? |$)", "", cause[0] if cause else text)[:400]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise MavenUnavailable("another run has been fetching Kafka's jars for too long") from None
                time.sleep(0.1)
        yield
