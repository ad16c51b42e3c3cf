#!/bin/bash
# Lays out upstream's archive as it is: bin/ollama, and lib/ollama with llama-server and the libraries of each backend.
#
#   ARTIFACTS=FOLDER bash build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
# A former version's lib/ollama must not stay beside a new one (docs/linux.mdx).
rm -rf "$dest"
mkdir -p "$dest"
tar -xf "$ARTIFACTS/ollama-linux-amd64.tar.zst" -C "$dest"
test -x "$dest/bin/ollama"
test -d "$dest/lib/ollama"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
