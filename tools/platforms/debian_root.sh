#!/bin/sh
# Makes a directory with Debian unstable for one architecture: newer interpreters than this machine's.
#
#     debian_root.sh DIRECTORY ARCHITECTURE PACKAGES
#
# ARCHITECTURE is Debian's name, PACKAGES a list with commas. A foreign architecture is only unpacked: what
# runs in it is run by qemu-user. Needs root, debootstrap and a network. A directory that is there is kept.
set -eu
directory=$1 architecture=$2 packages=$3
if [ -e "$directory/.made" ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo 'needs root and debootstrap (apt-get install debootstrap)' >&2
    exit 1
fi
rm -rf "$directory"
if [ "$architecture" = "$(dpkg --print-architecture)" ]; then
    debootstrap --variant=minbase --include="$packages" sid "$directory"
else
    debootstrap --foreign --variant=minbase --arch="$architecture" --include="$packages" sid "$directory"
    for archive in "$directory"/var/cache/apt/archives/*.deb; do
        dpkg-deb --extract "$archive" "$directory"
    done
fi
rm -f "$directory"/var/cache/apt/archives/*.deb
touch "$directory/.made"
