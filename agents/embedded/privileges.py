"""PostgreSQL refuses to run as root: the account it gets instead, and how a child process becomes that account."""

import ctypes
import os
import pwd
import struct
import sys
from collections.abc import Callable

from agents.embedded.process import EmbeddedServerError

ACCOUNTS = ("postgres", "nobody")

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account to run PostgreSQL under, or None when we are not root and need none."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        f"PostgreSQL does not run as root, and this machine has none of the accounts {', '.join(ACCOUNTS)}."
    )


def drop_root(account: pwd.struct_passwd | None) -> Callable[[], None] | None:
    """A function for a forked child that makes it the account, or None when there is nothing to drop.

    Where it can (Linux), the child keeps the one capability to pass through directories closed to others: root's home
    and temporary directories are, and opening them to everybody, for a demo, would be worse.
    """
    if account is None:
        return None
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    uid, gid = account.pw_uid, account.pw_gid
    bit = 1 << _CAP_DAC_OVERRIDE
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    capabilities = struct.pack("=6I", bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; the upper halves

    def become() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        if libc is not None and libc.capset(header, capabilities) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)

    return become
