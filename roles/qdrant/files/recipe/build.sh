#!/bin/bash
# Lays out upstream's archive, which holds the one program, as DEST/bin.
#
#   ARTIFACTS=FOLDER bash build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
rm -rf "$dest"
mkdir -p "$dest/bin"
tar -xf "$ARTIFACTS/qdrant-x86_64-unknown-linux-musl.tar.gz" -C "$dest/bin"
test -x "$dest/bin/qdrant"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
