"""One version everywhere."""

from __future__ import annotations

from release import settings
from release.part import Failed, Release


def check(release: Release) -> str:
    """Compare the version of `Cargo.toml` with every place that repeats it."""
    version = settings.version(release.root)
    workspace = settings.read(release.root, "Cargo.toml")["workspace"]
    wrong = []
    for member in workspace["members"]:
        package = settings.read(release.root, f"{member}/Cargo.toml")["package"]
        # The benchmarks are not released.
        if member.startswith("rust/") and package["version"] != {"workspace": True}:
            wrong.append(f"{member}/Cargo.toml: write `version.workspace = true`")
    for lock in ("Cargo.lock", "rust/fuzz/Cargo.lock"):
        for package in settings.read(release.root, lock)["package"]:
            is_ours = package["name"] in ("wsdefrag-core", "wsdefrag-capture", "wsdefrag-py")
            if is_ours and package["version"] != version:
                wrong.append(
                    f"{lock} has {package['name']} {package['version']}: run `cargo check`"
                )
    project = settings.read(release.root, "pyproject.toml")["project"]
    if "version" in project or "version" not in project.get("dynamic", ()):
        wrong.append('pyproject.toml: write `dynamic = ["version"]`, and no version')
    wrong += [
        f"{wheel.name} has another version"
        for wheel in release.wheels
        if wheel.name.split("-")[1] != version
    ]
    if release.tag is not None and release.tag != f"v{version}":
        wrong.append(f"the tag is {release.tag}, and not v{version}")
    if wrong:
        raise Failed(f"Cargo.toml has version {version}\n" + "\n".join(wrong))
    return f"{version} in Cargo.toml and both Cargo.lock; everything else takes it from there"
