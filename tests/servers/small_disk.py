"""A file system of a few megabytes that a test may fill to the last byte and empty again. Needs Linux and root."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_MOUNT_SECONDS: Final = 10.0
_CHUNK: Final = bytes(1 << 20)


class NoSmallDisk(Exception):
    """This machine lets us mount nothing; the text says why in one sentence."""


class SmallDisk:
    """A directory that is a file system (tmpfs) of its own while the context manager is open; all in it is lost then.

    What it holds takes memory. Only tests that are killed leave it mounted.
    """

    def __init__(self, directory: Path, megabytes: int) -> None:
        """Mount nothing yet.

        Args:
            directory: Where to mount it; made if missing.
            megabytes: How much it holds, in MiB.
        """
        self.directory = directory
        self._megabytes = megabytes
        self._filler = directory / "filler"

    def fill(self) -> int:
        """Write a filler until the disk refuses one byte more, and return how many bytes it took.

        Whoever else uses the disk may free some afterwards; filling again takes those as well.

        Raises:
            OSError: If it refuses for another reason than being full.
        """
        before = self._filler.stat().st_size if self._filler.exists() else 0
        filler = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:
                os.write(filler, _CHUNK)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return os.fstat(filler).st_size - before
        finally:
            os.close(filler)

    def free(self) -> None:
        """Remove the filler; nothing happens if there is none."""
        self._filler.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Mount it.

        Raises:
            NoSmallDisk: If that is not permitted, or not possible here.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        options = f"size={self._megabytes}m,mode=0755"
        try:
            done = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.directory))
        except OSError as error:
            raise NoSmallDisk(f"mount does not run ({error})") from error
        if done.returncode:
            raise NoSmallDisk(done.stderr.strip().partition("\n")[0] or f"mount ended with {done.returncode}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unmount it; if it is still in use, hide it now and let it end with its last user."""
        if _run("umount", str(self.directory)).returncode:
            _run("umount", "--lazy", str(self.directory)).check_returncode()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=_MOUNT_SECONDS, check=False)
