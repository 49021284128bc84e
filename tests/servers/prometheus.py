"""Finds Prometheus and its promtool, and runs a server on the rules of ``deploy/`` that asks workers of the tests.

What is on the search path is taken; else, where there is apt, Debian's or Ubuntu's package is fetched once and
unpacked, which needs no root and starts no service. No package of these programs was found on PyPI or npm.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.servers.child_process import spawn
from tests.servers.kafka_from_maven import CACHE
from tests.servers.ports import free_port

REQUIRE_PROMETHEUS: Final = "HXI_TEST_REQUIRE_PROMETHEUS"
DEPLOYED: Final = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"

OLDEST: Final = (2, 42)  # the first that knows keep_firing_for

FETCH_SECONDS: Final = 120.0  # each step; 33 MB with apt's lists; 10 s were seen
START_SECONDS: Final = 60.0


class PrometheusUnavailable(Exception):
    """Prometheus cannot be had here; the text says why in one sentence."""


@dataclass(frozen=True)
class PrometheusPrograms:
    """The programs, None where they cannot be had, and where they are from or why not."""

    directory: Path | None
    origin: str

    def report(self) -> list[str]:
        """Return the lines for the end of a test run."""
        if self.directory is not None:
            return [f"Prometheus: {self.origin}."]
        return ["NOT exercised: that alerts fire, and that Prometheus understands rules and panels.", self.origin]


def find_prometheus(environment: Mapping[str, str] = os.environ, cache: Path = CACHE) -> PrometheusPrograms:
    """Return the best Prometheus to be had here; the first time this may fetch it.

    Raises:
        PrometheusUnavailable: If there is none, and ``HXI_TEST_REQUIRE_PROMETHEUS`` is set.
    """
    rejected = []
    for kind, offer in (("the search path", _on_the_path), ("apt", _from_apt)):
        try:
            programs = offer(environment, cache)
            return PrometheusPrograms(programs, f"{_version(programs)} from {kind}")
        except PrometheusUnavailable as reason:
            rejected.append(f"From {kind}: {reason}.")
    why = f"Prometheus cannot be had. {' '.join(rejected)}"
    if environment.get(REQUIRE_PROMETHEUS, "0") not in {"", "0"}:
        raise PrometheusUnavailable(why)
    return PrometheusPrograms(None, why)


def _version(programs: Path) -> str:
    """Return the version, of one that understands our rules."""
    command = [str(programs / "promtool"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    version = re.search(r"version (\d+)\.(\d+)\S*", said.stdout + said.stderr)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        raise PrometheusUnavailable(f"{version[0] if version else 'what is there'} is not 2.42 or newer")
    return version[0]


def _on_the_path(environment: Mapping[str, str], _: Path) -> Path:
    here = [shutil.which(program, path=environment.get("PATH")) for program in ("prometheus", "promtool")]
    if not (here[0] and here[1] and Path(here[0]).parent == Path(here[1]).parent):
        raise PrometheusUnavailable("there is no prometheus with promtool")
    return Path(here[0]).parent


def _from_apt(environment: Mapping[str, str], cache: Path) -> Path:
    unpacked = cache / "prometheus-from-apt"
    programs = unpacked / "usr" / "bin"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "prometheus.lock").open("w") as lock:  # one fetches, others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not unpacked.is_dir():  # it gets this name only when complete
            _fetch(environment, unpacked)
    return programs


def _fetch(environment: Mapping[str, str], unpacked: Path) -> None:
    """Let apt keep what it knows and fetches in a directory of ours: its own is root's."""
    apt, dpkg = (shutil.which(program, path=environment.get("PATH")) for program in ("apt-get", "dpkg-deb"))
    if apt is None or dpkg is None:
        raise PrometheusUnavailable("there is no apt-get with dpkg-deb")
    work = unpacked.with_name("prometheus.unfinished")
    shutil.rmtree(work, ignore_errors=True)
    for kept in ("lists/partial", "archives/partial"):
        (work / kept).mkdir(parents=True)
    options = [f"-oDir::State::Lists={work}/lists", f"-oDir::Cache={work}", "-oAPT::Sandbox::User=", "-qq"]
    for command in ([apt, *options, "update"], [apt, *options, "download", "prometheus"]):
        _run(command, work)
    (package,) = work.glob("prometheus_*.deb")
    _run([dpkg, "--extract", str(package), str(work / "root")], work)
    (work / "root").rename(unpacked)
    shutil.rmtree(work)


def _run(command: Sequence[str], directory: Path) -> None:
    try:
        subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=FETCH_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        raise PrometheusUnavailable(f"{Path(command[0]).name} was not done after {FETCH_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise PrometheusUnavailable(f"{Path(command[0]).name} failed: {said}") from None


@dataclass(frozen=True)
class PrometheusServer:
    """A running Prometheus on a port of 127.0.0.1."""

    address: str

    def ask(self, path: str, **parameters: str) -> Any:
        """Return ``data`` of what its API answers.

        Raises:
            urllib.error.HTTPError: If it refuses, as an expression that it does not understand.
        """
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value_of(self, expression: str) -> list[Any]:
        """Return the samples that an expression has now."""
        found: list[Any] = self.ask("query", query=expression)["result"]
        return found


@contextmanager
def prometheus_server(programs: Path, directory: Path, targets: Sequence[str]) -> Iterator[PrometheusServer]:
    """Run it with the configuration of ``deploy/``, but on these targets, and quicker: every second."""
    address = f"127.0.0.1:{free_port()}"
    config = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOYED / pattern) for pattern in config["rule_files"]]
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": list(targets)}]
    file, log = directory / "prometheus.yml", directory / "prometheus.log"
    file.write_text(yaml.safe_dump(config), "utf-8")
    command = [f"--config.file={file}", f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address={address}"]
    process = spawn([programs / "prometheus", *command], log)
    try:
        _wait_until_ready(address, process, log)
        yield PrometheusServer(address)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"Prometheus is not ready:\n{log.read_text('utf-8', 'replace')}")
