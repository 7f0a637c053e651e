#!/bin/sh
# Runs the core's tests on aarch64 under qemu-user, then builds a wheel for aarch64 and tries it there.
#
#     try_aarch64.sh                    from the checkout, with .venv-release
#
# Rust's standard library for aarch64 comes from Debian, and so does the compiler that goes with it.
set -eu
work=$PWD/target/platforms root=$PWD/target/platforms/debian foreign=$PWD/target/platforms/debian-arm64
version=3.14
tools/platforms/debian_root.sh "$root" "$(dpkg --print-architecture)" "python$version,python$version-venv"
tools/platforms/debian_root.sh "$foreign" arm64 "python$version,python$version-venv"
if [ ! -e "$root/.cross" ]; then
    cp /etc/resolv.conf "$root/etc/"
    chroot "$root" dpkg --add-architecture arm64
    # The mirror may be a copy of some weeks ago, which debootstrap does not mind.
    chroot "$root" apt-get -o Acquire::Check-Valid-Until=false update -qq
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -qq --yes --no-install-recommends \
        rustc cargo libstd-rust-dev:arm64 gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
    touch "$root/.cross"
fi

# The crates' sources: the root has no access to cargo's registry.
rm -rf "$root/checkout"
mkdir "$root/checkout"
git ls-files -z | xargs -0 cp --parents --target-directory "$root/checkout"
cargo vendor --quiet --locked "$root/checkout/vendor" >/dev/null
mkdir -p "$root/checkout/.cargo"
cat >>"$root/checkout/.cargo/config.toml" <<'EOF'
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "/checkout/vendor"
[target.aarch64-unknown-linux-gnu]
linker = "aarch64-linux-gnu-gcc"
runner = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
[env]
CC_aarch64_unknown_linux_gnu = "aarch64-linux-gnu-gcc"
EOF
rm "$root/checkout/rust-toolchain.toml"
run() { chroot "$root" /usr/bin/env CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/build "$@"; }
run sh -c "cd /checkout && PROPTEST_RNG_SEED=6455 cargo test --profile checked --package wsdefrag-core \
    --target aarch64-unknown-linux-gnu --locked --quiet"

# The wheel. PyO3 reads the settings of the other root's interpreter, which Debian has under two names.
cp .venv-release/bin/maturin "$root/usr/local/bin/"
rm -rf "$root/arm64"
mkdir "$root/arm64"
cp "$foreign/usr/lib/python$version/"_sysconfigdata__linux_*.py "$root/arm64/"
rm -rf "$root/dist"
run sh -c "cd /checkout && PYO3_CROSS_LIB_DIR=/arm64 maturin build --release --locked --compatibility linux \
    --target aarch64-unknown-linux-gnu --interpreter python$version --out /dist"
rm -rf "$foreign/site"
mkdir "$foreign/site"
.venv-release/bin/python -m zipfile --extract "$root"/dist/*aarch64.whl "$foreign/site"
# Processes that a program starts need the emulator, too.
emulator="qemu-aarch64-static -L $foreign"
arm() {
    PYTHONPATH="$foreign/site" PYTHONDONTWRITEBYTECODE=1 EMULATOR=$emulator \
        $emulator "$foreign/usr/bin/python$version" "$@"
}
arm tests/smoke.py
for example in read_stream frames hostile_peer passive_tap what_was_lost; do
    arm "examples/$example.py" >/dev/null
done
