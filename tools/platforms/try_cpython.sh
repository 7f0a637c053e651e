#!/bin/sh
# Builds the wheel for a CPython of Debian unstable, installs it there, and runs what needs no machine of its
# own: the smoke test, examples, and the tests of streams, relays and handshakes.
#
#     try_cpython.sh VERSION            such as 3.14; from the checkout, with .venv-release
set -eu
version=$1
work=$PWD/target/platforms root=$PWD/target/platforms/debian
tools/platforms/debian_root.sh "$root" "$(dpkg --print-architecture)" "python$version,python$version-venv"

# The build asks the interpreter only for its settings, on standard input or with -c. One of these is its own
# path, by which it is asked again; so it has the same one inside of the directory as outside.
mkdir -p "$work/bin" "$root$work/bin"
ln -sf "/usr/bin/python$version" "$root$work/bin/python$version"
printf '#!/bin/sh\nexec chroot %s %s/bin/python%s "$@"\n' "$root" "$work" "$version" >"$work/bin/python$version"
chmod +x "$work/bin/python$version"
tag=cp$(echo "$version" | tr -d .)
rm -rf "$work/dist"
PATH=$PWD/.venv-release/bin:$PATH CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/build} \
    .venv-release/bin/maturin build --release --locked --zig --compatibility manylinux_2_17 \
    --out "$work/dist" --interpreter "$work/bin/python$version"

# Packages that the tests need, for that interpreter.
rm -rf "$root/site" "$root/checkout"
.venv-release/bin/python -m pip install --quiet --target "$root/site" --only-binary :all: \
    --implementation cp --python-version "$version" --abi "$tag" --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --platform manylinux_2_5_x86_64 --platform any \
    pytest hypothesis click websockets wsproto aiohttp h11
mkdir "$root/checkout"
cp -r tests examples vectors pyproject.toml tools "$root/checkout"
cp "$work"/dist/*"$tag"*.whl "$root/checkout"

# Tests read /proc, which is mounted for as long as a program runs.
run() {
    unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env PYTHONDONTWRITEBYTECODE=1 "$@"' \
        "$root" "$@"
}
rm -rf "$root/empty"
run "/usr/bin/python$version" -m venv /empty
run sh -c "/empty/bin/python -m pip install --quiet --no-index /checkout/*.whl"
run /empty/bin/python /checkout/tests/smoke.py
for example in read_stream frames hostile_peer passive_tap upgrade what_was_lost; do
    run /empty/bin/python -W error "/checkout/examples/$example.py" >/dev/null
done
run sh -c "cd /checkout && PYTHONPATH=/site /empty/bin/python -m pytest --quiet -p no:cacheprovider ${TESTS:-tests/core tests/relay tests/handshake}"
