#!/bin/sh
# Builds the package for a CPython without a GIL and runs, there, what shares objects between threads, and the
# tests of streams, relays and handshakes.
#
#     try_free_threaded.sh PYTHON       3.14 or newer, built with --disable-gil; from the checkout, with
#                                       .venv-release
set -eu
python=$1 work=$PWD/target/platforms
if ! "$python" -c 'import sys; sys.exit(sys._is_gil_enabled())' 2>/dev/null; then
    echo "$python is no interpreter without a GIL: name one by FREE_THREADED=/path/to/python3.14t" >&2
    exit 1
fi
mkdir -p "$work"
environment=$work/free-threaded
"$python" -m venv --clear "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    pytest pytest-xdist hypothesis click websockets wsproto aiohttp h11 h2 cryptography numpy pandas pyarrow
rm -rf "$work/dist-free-threaded"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/build} .venv-release/bin/maturin build --profile checked --locked \
    --compatibility linux --interpreter "$environment/bin/python" --out "$work/dist-free-threaded"
"$environment/bin/python" -m pip install --quiet --no-index "$work"/dist-free-threaded/*.whl

# With -W error the interpreter would also say if an extension had switched the GIL on.
run() { PATH=$environment/bin:$PATH PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" "$@"; }
run -W error -c 'import sys, wsdefrag, wsdefrag.capture; sys.exit(sys._is_gil_enabled())'
run -W error tests/smoke.py
run -m pytest --quiet -p no:cacheprovider --numprocesses "${JOBS:-2}" --dist worksteal \
    ${TESTS:-tests/robustness tests/core tests/relay tests/handshake}
