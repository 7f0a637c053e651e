"""What `make release-check` refuses: each part with a copy of the checkout that has a fault."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from release import address, changelog, contents, licences, settings, size, symbols, versions
from release.part import Failed, Missing, Release

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches/instructions/Cargo.toml",
    "pyproject.toml",
    "rust/fuzz/Cargo.lock",
    "rust/wsdefrag-capture/Cargo.toml",
    "rust/wsdefrag-core/Cargo.toml",
    "rust/wsdefrag-py/Cargo.toml",
)
REPOSITORY = "https://forge.example/somebody/wsdefrag"
Edit = Callable[[str, str, str], None]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    root = tmp_path / "checkout"
    for name in COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    return Release(root=root, work=tmp_path / "work")


@pytest.fixture
def edit(release: Release) -> Edit:
    def change(name: str, old: str, new: str) -> None:
        path = release.root / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


@pytest.fixture
def version(release: Release) -> str:
    return settings.version(release.root)


def test_this_checkout_has_one_version() -> None:
    versions.check(Release(root=ROOT, work=ROOT))


def test_a_lock_file_that_was_left_behind_is_named(
    release: Release, edit: Edit, version: str
) -> None:
    edit("Cargo.toml", f'version = "{version}"', 'version = "9.9.9"')
    with pytest.raises(Failed, match=r"Cargo\.lock has wsdefrag-\w+ .*: run `cargo check`"):
        versions.check(release)


def test_a_second_place_for_the_version_is_named(release: Release, edit: Edit) -> None:
    edit("rust/wsdefrag-py/Cargo.toml", "version.workspace = true", 'version = "0.1.0"')
    edit("pyproject.toml", 'dynamic = ["version"]', 'version = "0.1.0"')
    with pytest.raises(Failed, match=r"wsdefrag-py/Cargo\.toml: .*\n.*pyproject\.toml: "):
        versions.check(release)


def test_a_tag_of_another_version_is_refused(release: Release, version: str) -> None:
    release.tag = f"v{version}"
    versions.check(release)
    release.tag = "v9.9.9"
    with pytest.raises(Failed, match=r"the tag is v9\.9\.9"):
        versions.check(release)


def dated(release: Release, version: str, date: str) -> str:
    path = release.root / "CHANGELOG.md"
    heading = re.compile(rf"^## \[{re.escape(version)}\] - .*$", re.MULTILINE)
    text, count = heading.subn(f"## [{version}] - {date}", path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    return changelog.check(release)


def test_a_changelog_with_a_date_is_accepted(release: Release, version: str) -> None:
    assert "2026-12-01" in dated(release, version, "2026-12-01")


def test_a_changelog_without_a_date_is_for_rehearsals(release: Release, version: str) -> None:
    with pytest.raises(Missing, match="its date"):
        dated(release, version, "unreleased")


def test_a_changelog_with_a_date_that_is_none_is_refused(release: Release, version: str) -> None:
    with pytest.raises(Failed, match="is not a date") as error:
        dated(release, version, "soon")
    assert not isinstance(error.value, Missing)


def test_a_changelog_without_the_version_is_refused(release: Release, edit: Edit) -> None:
    edit("Cargo.toml", 'version = "', 'version = "9.')
    with pytest.raises(Failed, match="has no section"):
        changelog.check(release)


def with_address(release: Release) -> None:
    path = release.root / "pyproject.toml"
    text = path.read_text("utf-8").replace(
        "\n[project.scripts]",
        f'\n[project.urls]\nRepository = "{REPOSITORY}"\n\n[project.scripts]',
        1,
    )
    path.write_text(text, "utf-8")


def test_without_an_address_the_words_say_what_to_set(release: Release) -> None:
    text = release.root / "pyproject.toml"
    text.write_text(re.sub(r"\[project\.urls\]\n(.+\n)*", "", text.read_text("utf-8")), "utf-8")
    with pytest.raises(Missing, match=r"\[project\.urls\]\nRepository = "):
        address.address(release.root)


def test_with_an_address_the_page_of_the_index_is_whole(release: Release, version: str) -> None:
    """Every link is absolute and leads to a file of this version; nothing else changed."""
    before = settings.read(release.root, "pyproject.toml")
    readme = (release.root / "README.md").read_text("utf-8")
    with_address(release)
    address.whole(release.root)
    after = settings.read(release.root, "pyproject.toml")
    urls = after["project"].pop("urls")
    before["project"].pop("urls", None)
    assert after == before
    assert urls["Repository"] == REPOSITORY
    assert urls["Issues"] == f"{REPOSITORY}/issues"
    for name in ("Documentation", "Changelog"):
        assert (ROOT / urls[name].removeprefix(f"{REPOSITORY}/blob/v{version}/")).is_file()

    whole = (release.root / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", whole)
    assert len(links) == len(re.findall(r"\]\(([^)\s]+)\)", readme)) > 10
    assert all("://" in link for link in links)
    ours = [link for link in links if link.startswith(REPOSITORY)]
    assert all(
        (ROOT / link.removeprefix(f"{REPOSITORY}/blob/v{version}/").partition("#")[0]).exists()
        for link in ours
    )
    assert whole.replace(f"{REPOSITORY}/blob/v{version}/", "") == readme


def test_making_it_whole_twice_changes_nothing(release: Release) -> None:
    with_address(release)
    address.whole(release.root)
    once = [(release.root / name).read_text("utf-8") for name in ("README.md", "pyproject.toml")]
    address.whole(release.root)
    assert once == [
        (release.root / name).read_text("utf-8") for name in ("README.md", "pyproject.toml")
    ]


def test_pictures_and_anchors_of_a_readme() -> None:
    text = "![chart](a/b.svg) [here](#x) [there](docs/c.md#y) [far](https://far.example/z)"
    assert address.absolute(text, REPOSITORY, "1.2.3") == (
        f"![chart]({REPOSITORY}/raw/v1.2.3/a/b.svg) [here](#x) "
        f"[there]({REPOSITORY}/blob/v1.2.3/docs/c.md#y) [far](https://far.example/z)"
    )


def test_a_link_of_the_readme_that_leads_nowhere_is_refused(release: Release, edit: Edit) -> None:
    with pytest.raises(Failed, match=r"docs/index\.md, which is not there"):
        address.check(release)


@pytest.mark.parametrize(
    ("expression", "licences_used"),
    [
        ("MIT", ("MIT",)),
        ("MIT OR Apache-2.0", ("MIT",)),
        ("Unlicense OR MIT", ("MIT",)),
        ("Apache-2.0 AND ISC", ("Apache-2.0", "ISC")),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", ("MIT",)),
        ("bzip2-1.0.6", ("bzip2-1.0.6",)),
    ],
)
def test_licence_that_a_crate_is_used_under(
    expression: str, licences_used: tuple[str, ...]
) -> None:
    assert licences.chosen(expression) == licences_used


def test_licence_in_a_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(Failed, match="parentheses"):
        licences.chosen("(MIT OR Apache-2.0) AND Unicode-3.0")


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("wsdefrag-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", (2, 17)),
        ("wsdefrag-1-cp311-cp311-manylinux2014_x86_64.whl", (2, 17)),
        ("wsdefrag-1-cp311-cp311-manylinux_2_34_x86_64.whl", (2, 34)),
        ("wsdefrag-1-cp311-cp311-musllinux_1_2_x86_64.whl", (0, 0)),
    ],
)
def test_glibc_that_a_tag_promises(name: str, promised: tuple[int, int]) -> None:
    assert symbols.promised(name) == promised


def test_wheel_over_its_budget_is_refused(release: Release, tmp_path: Path) -> None:
    wheel = tmp_path / "wsdefrag-0.1.0-cp311-cp311-linux_x86_64.whl"
    wheel.write_bytes(bytes(size.BUDGET))
    release.wheels = [wheel]
    size.check(release)
    wheel.write_bytes(bytes(size.BUDGET + 1))
    with pytest.raises(Failed, match="8,000,001 bytes"):
        size.check(release)


@pytest.mark.parametrize("check", [contents.check, size.check, symbols.check])
def test_without_a_wheel_nothing_is_ok(release: Release, check: Callable[[Release], str]) -> None:
    with pytest.raises(Failed, match="no wheel"):
        check(release)


def test_bill_of_materials_names_each_component_once() -> None:
    """CycloneDX 1.6: every ``bom-ref`` is unique within the bill."""
    bill = json.loads((ROOT / "third-party" / "wsdefrag.cdx.json").read_text(encoding="utf-8"))
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(references) == len(set(references)) > 90
