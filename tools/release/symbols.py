"""What the native module of a wheel asks of the system and of the interpreter.

A tag such as `manylinux_2_17` promises an age of the C library. The interpreter's symbols are those
of its stable ABI, or documented elsewhere in its reference, so that a bug-fix release of the
interpreter cannot take them away.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from release.part import Failed, Release

# What manylinux promises to be everywhere (PEP 600), as far as it is used; `ld` is the loader.
_LIBRARIES = re.compile(
    r"(libc|libm|libdl|librt|libpthread|libutil|libgcc_s|ld-linux-[\w-]+)\.so(\.\d+)?"
)
_MUSL = re.compile(r"libc\.musl-\w+\.so\.1|libc\.so|libgcc_s\.so\.1")
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_|manylinux(2014)_")
# Documented in the C API's reference, and not in the stable ABI of every interpreter.
_DOCUMENTED = {
    "PyByteArray_AsString": "bytearray.html",
    "PyCMethod_New": "structures.html; PyCFunction_NewEx is a macro of it",
    "PyDateTime_CAPI": "datetime.html",
    "PyErr_GetRaisedException": "exceptions.html",
    "PyInterpreterState_Main": "init.html, advanced debugger support",
    "PyObject_CallNoArgs": "call.html",
    "PyObject_GetBuffer": "buffer.html",
    "PyObject_VectorcallDict": "call.html",
    "PyObject_VectorcallMethod": "call.html",
    "PyObject_Vectorcall": "call.html",
    "PyUnicode_New": "unicode.html",
    "_PyBytes_Resize": "bytes.html",
    "_PyObject_New": "allocation.html; PyObject_New is a macro of it",
}


def check(release: Release) -> str:
    """Look at the native module of each wheel for Linux."""
    wrong, oldest, seen, others = [], (0, 0), 0, set()
    for wheel in release.needed_wheels():
        if "linux" not in wheel.name:
            continue
        seen += 1
        libraries, versions, names = _needs(wheel)
        allowed = _MUSL if "musllinux" in wheel.name else _LIBRARIES
        wrong += [f"{wheel.name} needs {one}" for one in libraries if not allowed.fullmatch(one)]
        if allowed is _LIBRARIES and "libgcc_s.so.1" not in libraries:
            wrong.append(f"{wheel.name} has an unwinder of its own, beside that of pthread_exit")
        newest = max(versions, default=(0, 0))
        if newest > promised(wheel.name):
            wrong.append(f"{wheel.name} needs glibc {_dotted(newest)}, newer than its tag says")
        oldest = max(oldest, newest)
        stable = _stable()
        others |= names - stable
        wrong += [f"{wheel.name} uses {one}" for one in sorted(names - stable - _DOCUMENTED.keys())]
    if wrong:
        raise Failed("\n".join(wrong))
    outside = f"{len(others)} symbols outside the stable ABI, documented"
    return f"{seen} Linux wheels: glibc up to {_dotted(oldest)}; {outside}"


def promised(name: str) -> tuple[int, int]:
    """The newest glibc that a wheel may need, by its tags."""
    found = [(2, 17) if one[3] else (int(one[1]), int(one[2])) for one in _MANYLINUX.finditer(name)]
    return min(found, default=(0, 0))


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _stable() -> set[str]:
    import abi3info

    return {symbol.name for symbol in (*abi3info.FUNCTIONS, *abi3info.DATAS)}


def _needs(wheel: Path) -> tuple[set[str], set[tuple[int, int]], set[str]]:
    """Libraries, versions of glibc, and the interpreter's symbols that a wheel needs."""
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection
    from elftools.elf.sections import SymbolTableSection

    with zipfile.ZipFile(wheel) as archive:
        (native,) = [name for name in archive.namelist() if name.endswith(".so")]
        file = ELFFile(io.BytesIO(archive.read(native)))
    libraries, versions, names = set(), set(), set()
    for section in file.iter_sections():
        if isinstance(section, DynamicSection):
            libraries |= {
                tag.needed for tag in section.iter_tags() if tag.entry.d_tag == "DT_NEEDED"
            }
        if isinstance(section, GNUVerNeedSection):
            for _, used in section.iter_versions():
                for one in used:
                    found = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", one.name)
                    if found is not None:
                        versions.add((int(found[1]), int(found[2])))
        if isinstance(section, SymbolTableSection) and section.name == ".dynsym":
            names |= {
                symbol.name
                for symbol in section.iter_symbols()
                if symbol["st_shndx"] == "SHN_UNDEF" and re.match(r"_?Py", symbol.name)
            }
    return libraries, versions, names
