"""The bill of materials, in CycloneDX's form, in one file that every wheel has.

maturin writes one as well. It has a random number, the time and the build's paths in it, so that no
build can be repeated, and names what only runs while building; so it is switched off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from release import crates, settings
from release.part import Failed, Release

FILE = "third-party/wsdefrag.cdx.json"


def _purl(name: str, version: str) -> str:
    return f"pkg:cargo/{name}@{quote(version)}"


def _component(crate: crates.Crate, everywhere: list[str]) -> dict[str, Any]:
    purl = _purl(crate.name, crate.version)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": crate.name,
        "version": crate.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": crate.checksum}],
        "licenses": [{"expression": crate.expression}],
        "purl": purl,
    }
    if crate.repository:
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    if list(crate.targets) != everywhere:
        component["properties"] = [
            {"name": "wsdefrag:target", "value": one} for one in crate.targets
        ]
    return component


def _extras(project: dict[str, Any]) -> list[dict[str, Any]]:
    """The Python packages that extras ask for, each once; without extras there are none."""
    found: dict[str, dict[str, Any]] = {}
    for extra, requirements in project["optional-dependencies"].items():
        for requirement in requirements:
            name = requirement.partition(">")[0].partition("[")[0]
            if name == project["name"]:
                continue
            component = {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}",
                "name": name,
                "scope": "optional",
                "purl": f"pkg:pypi/{name}",
                "properties": [],
            }
            found.setdefault(name, component)["properties"] += [
                {"name": "wsdefrag:extra", "value": extra},
                {"name": "wsdefrag:requirement", "value": requirement},
            ]
    return list(found.values())


def made(root: Path) -> str:
    """The file, as it has to be."""
    project = settings.read(root, "pyproject.toml")["project"]
    version = settings.version(root)
    purl = f"pkg:pypi/{project['name']}@{version}"
    linked, extras = crates.linked(root), _extras(project)
    direct = [*(_purl(*use) for use in linked.direct), *(one["bom-ref"] for one in extras)]
    everywhere = crates.targets(root)
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": purl,
                "name": project["name"],
                "version": version,
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
                "purl": purl,
            }
        },
        "components": [*(_component(one, everywhere) for one in linked.crates), *extras],
        "dependencies": [
            {"ref": purl, "dependsOn": direct},
            *(
                {
                    "ref": _purl(one.name, one.version),
                    "dependsOn": [_purl(*use) for use in one.uses],
                }
                for one in linked.crates
            ),
        ],
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"


def write(root: Path) -> None:
    """Write the file."""
    (root / FILE).write_text(made(root), encoding="utf-8")


def check(release: Release) -> str:
    """Compare the file with the linked crates, and with CycloneDX's schema."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    path = release.root / FILE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != made(release.root):
        raise Failed(
            f"{FILE} is not what Cargo.lock and pyproject.toml say: run `make third-party`"
        )
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        raise Failed(f"{FILE} is not CycloneDX 1.6: {error.data}")
    return f"CycloneDX 1.6, valid: {len(json.loads(text)['components'])} components"
