#!/bin/bash
# Lays out DEST as upstream's archive of Qdrant is: one program called `qdrant`. Here it is a stand-in, which keeps
# the vectors with qdrant-client's local mode; what it needs lies in qdrant-stand-in/ beside it.
#
#   bash build.sh DEST
#
# New lock: edit requirements.in, then with a date at least 7 days back
#   uv pip compile --generate-hashes --no-annotate --python-version 3.11 --exclude-newer DATE --only-binary :all: \
#     --python-platform x86_64-unknown-linux-gnu --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/qdrant-stand-in.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install python3-venv
/usr/bin/python3 -m venv "$work/venv"

rm -rf "$dest"
mkdir -p "$dest/qdrant-stand-in"
"$work/venv/bin/pip" install -q --no-deps --require-hashes --only-binary :all: --target "$dest/qdrant-stand-in/packages" \
  -r "$recipe/requirements.txt"
install -m 644 "$recipe"/qdrant_*.py "$dest/qdrant-stand-in/"
install -m 755 "$recipe/qdrant.sh" "$dest/qdrant"
/usr/bin/python3 -m compileall -q "$dest/qdrant-stand-in"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
