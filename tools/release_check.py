"""Says whether this checkout can be released.

    python tools/release_check.py                  everything; it builds, and takes long
    python tools/release_check.py versions size    these parts
    python tools/release_check.py --quick          the parts that build nothing

Parts that look at wheels take those of ``--wheels DIRECTORY``, or those that the part `wheels`
built last. With ``--rehearsal``, what only a release needs (a date, an address) is named and fails
nothing. The exit status is 1 if a part does not hold. ``make release-check`` has everything that
this needs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from release import (
    address,
    changelog,
    contents,
    installed,
    licences,
    reproducible,
    sbom,
    sdist,
    size,
    symbols,
    versions,
    wheels,
)
from release.part import Failed, Missing, Part, Release

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    Part("versions", "one version everywhere", versions.check),
    Part("changelog", "the changelog has the version, with its date", changelog.check),
    Part("address", "the repository's address is set, and links lead there", address.check),
    Part("licences", "all linked crates' licences are at hand", licences.check),
    Part("sbom", "the bill of materials is current and valid", sbom.check),
    Part("wheels", "a wheel for each interpreter builds", wheels.check, slow=True),
    Part("sdist", "the sdist builds without a network", sdist.check, slow=True),
    Part("reproducible", "two builds give the same bytes", reproducible.check, slow=True),
    Part("contents", "wheels and sdist have what they need", contents.check),
    Part("symbols", "no symbol is newer or less stable than promised", symbols.check),
    Part("size", "each wheel is within its budget", size.check),
    Part("installed", "each wheel works in an empty environment", installed.check, slow=True),
)


def main() -> int:
    """Check the parts that the command line names, and print a table."""
    parser = argparse.ArgumentParser(
        description="Says whether this checkout can be released.",
        epilog="\n".join(f"{part.name:<13} {part.holds}" for part in PARTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="which; all without any")
    parser.add_argument("--without", action="append", default=[], metavar="PART", help="not this")
    parser.add_argument("--quick", action="store_true", help="only the parts that build nothing")
    parser.add_argument("--rehearsal", action="store_true", help="needs neither date nor address")
    parser.add_argument("--interpreters", metavar="VERSIONS", help="such as 3.11,3.13; default all")
    parser.add_argument("--tag", help="the tag that is released")
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "target" / "release-check",
        metavar="DIRECTORY",
        help="where to build",
    )
    parser.add_argument("--wheels", type=Path, metavar="DIRECTORY", help="the wheels to look at")
    options = parser.parse_args()
    unknown = {*options.parts, *options.without} - {part.name for part in PARTS}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    given = options.wheels.resolve() if options.wheels else work / "dist"
    release = Release(
        root=ROOT,
        work=work,
        wheels=sorted(given.glob("*.whl")),
        sdists=[] if options.wheels else sorted((work / "sdist").glob("*.tar.gz")),
        tag=options.tag,
        interpreters=tuple(options.interpreters.split(",")) if options.interpreters else (),
    )
    chosen = [
        part
        for part in PARTS
        if (part.name in options.parts or not options.parts)
        and part.name not in options.without
        and not (options.quick and part.slow)
    ]
    return _run(chosen, release, is_rehearsal=options.rehearsal)


def _run(parts: list[Part], release: Release, *, is_rehearsal: bool) -> int:
    rows, holds = [], True
    for part in parts:
        start = time.monotonic()
        try:
            result, text = "ok", part.check(release)
        except Missing as error:
            result, text = ("later" if is_rehearsal else "MISSING"), str(error)
            holds = holds and is_rehearsal
        except Failed as error:
            result, text, holds = "FAILED", str(error), False
        rows.append((part.name, result, time.monotonic() - start, text))
        print(f"{part.name}: {result}", file=sys.stderr, flush=True)
    for name, result, seconds, text in rows:
        print(
            f"{name:<13} {result:<8} {seconds:6.1f} s  {text.replace(chr(10), chr(10) + ' ' * 34)}"
        )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
