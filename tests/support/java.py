"""Says whether there is a Java that Spark runs on: `python tests/support/java.py`.

Ends with 0 if there is, and with 1 and a line that says what is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 17


def missing() -> str | None:
    """What is missing; None if nothing is. It does not ask the package, which has a test for it."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return f"no Java {OLDEST} (install openjdk-{OLDEST}-jre-headless, or set JAVA_HOME)"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST:
        return f"{java} is older than Java {OLDEST}"
    return None


if __name__ == "__main__":
    lack = missing()
    if lack is not None:
        print(f"{lack}: the tests of Spark are not run")
    sys.exit(lack is not None)
