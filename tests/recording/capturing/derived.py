"""Captures in other forms, each made by the tool that people use for that form."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .tools import run, version


@dataclass(frozen=True)
class Form:
    """A capture `file` made from the capture `source`; `make` writes it and returns its tools."""

    file: str
    source: str
    shows: str
    link: str
    make: Callable[[Path, Path], dict[str, str]]


def _nanoseconds(source: Path, file: Path) -> dict[str, str]:
    run("editcap", "-F", "nsecpcap", source, file)
    return {"editcap": version("editcap")}


def _gzip(source: Path, file: Path) -> dict[str, str]:
    file.write_bytes(gzip.compress(source.read_bytes(), mtime=0))
    return {"gzip": "Python's"}


def with_secrets(file: Path, key_log: Path) -> None:
    """Put a key log into a capture, as a block before its packets."""
    written = file.with_suffix(".written")
    run("editcap", "--inject-secrets", f"tls,{key_log}", file, written)
    written.replace(file)


def _secrets(source: Path, file: Path) -> dict[str, str]:
    secrets = f"tls,{source.with_suffix('.keys.log')}"
    run("editcap", "--inject-secrets", secrets, source, file)
    return {"editcap": version("editcap")}


def _exported(source: Path, file: Path) -> dict[str, str]:
    keys = f"tls.keylog_file:{source.with_suffix('.keys.log').name}"
    export = (
        "-U",
        "OSI layer 7",
        "-w",
        file.name,
    )  # tshark writes the name of its source into the file
    run("tshark", "-r", source.name, "-o", keys, *export, directory=source.parent)
    return {"tshark": version("tshark")}


FORMS = (
    Form(
        "plain-small-nanoseconds.pcap",
        "plain-small",
        "libpcap's format with nanoseconds",
        "as in plain-small",
        _nanoseconds,
    ),
    Form(
        "deflate-fragments-gzip.pcapng.gz",
        "deflate-fragments",
        "a compressed pcapng file",
        "as in deflate-fragments",
        _gzip,
    ),
    Form("legacy-gzip.pcap.gz", "legacy", "a compressed pcap file", "as in legacy", _gzip),
    Form(
        "tls-secrets.pcapng",
        "tls",
        "the TLS secrets in the file itself, as a decryption secrets block",
        "as in tls",
        _secrets,
    ),
    Form(
        "tls-exported.pcapng",
        "tls",
        "what was inside TLS, exported by tshark: link type 252, no TCP, some bytes twice",
        "exported PDUs",
        _exported,
    ),
)
