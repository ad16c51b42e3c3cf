#!/bin/bash
# Lays out DEST as upstream's archive of Ollama is: bin/ollama and lib/ollama/llama-server. Here bin/ollama is a
# stand-in, which speaks the part of Ollama's API that the stack uses; llama-server is the real one of roles/llama_cpp.
#
#   INPUTS=FOLDER bash build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DEBIAN_FRONTEND=noninteractive
if ! command -v zstd >/dev/null; then
  apt-get -q update
  apt-get -q -y --no-install-recommends install zstd
fi

rm -rf "$dest"
mkdir -p "$dest/bin" "$dest/lib/ollama/stand-in" "$dest/lib/ollama/llama.cpp"
tar -xf "$INPUTS/llama_cpp.tar.zst" -C "$dest/lib/ollama/llama.cpp"
ln -s llama.cpp/bin/llama-server "$dest/lib/ollama/llama-server"
install -m 644 "$recipe"/ollama_*.py "$dest/lib/ollama/stand-in/"
install -m 755 "$recipe/ollama.sh" "$dest/bin/ollama"
"$dest/lib/ollama/llama-server" --version
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
