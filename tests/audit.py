"""``python -m tests.audit``: asks PyPI's advisories about every pinned version; exits with 1 where one is vulnerable.

An index that has no advisories answers "unknown" for every package, which pip-audit takes for good news. So this says
how many were looked up, and that none was where none was.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"

_OPTIONS = (f"--requirement={CONSTRAINTS}", "--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json")

PATIENCE_S = 120
"""It takes 8 s where the index answers."""


def main() -> int:
    """Audit, and say what came out."""
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "audit.json"
        try:
            command = [sys.executable, "-m", "pip_audit", *_OPTIONS, "--output", str(answer)]
            said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False).stderr
        except subprocess.TimeoutExpired:
            said = f"No answer within {PATIENCE_S} s"
        if not answer.exists():
            print(f"NOT AUDITED: the advisories cannot be reached. {(said.strip().splitlines() or [''])[-1]}")
            return 0
        found = json.loads(answer.read_text("utf-8"))["dependencies"]
    return verdict(found)


def verdict(found: list[dict[str, Any]]) -> int:
    """Say what was ``found`` of each dependency; return the exit code."""
    known = [one for one in found if "skip_reason" not in one]
    if not known:
        print(f"NOT AUDITED: the index has no advisories about any of {len(found)} packages.")
        return 0
    vulnerable = [one for one in known if one["vulns"]]
    for one in vulnerable:
        for advisory in one["vulns"]:
            mended = ", ".join(advisory["fix_versions"]) or "none yet"
            print(f"{one['name']} {one['version']}: {advisory['id']}, mended in {mended}")
    print(f"{len(known)} of {len(found)} packages audited, {len(vulnerable)} vulnerable.")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
