#!/bin/bash
# Lays out DEST as upstream's archive of Grafana is: one folder named after the version, with bin, conf and public. Here
# bin/grafana is a stand-in; what it needs lies in stand-in/.
#
#   bash build.sh DEST
#
# New lock: edit requirements.in, then with a date at least 7 days back
#   uv pip compile --generate-hashes --no-annotate --python-version 3.11 --exclude-newer DATE --only-binary :all: \
#     --python-platform x86_64-unknown-linux-gnu --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/grafana-stand-in.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install python3-venv
/usr/bin/python3 -m venv "$work/venv"

rm -rf "$dest"
home="$dest/grafana-$(cat "$recipe/VERSION")"
mkdir -p "$home/bin" "$home/conf" "$home/public" "$home/stand-in"
"$work/venv/bin/pip" install -q --no-deps --require-hashes --only-binary :all: --target "$home/stand-in/packages" \
  -r "$recipe/requirements.txt"
install -m 644 "$recipe"/grafana_*.py "$home/stand-in/"
install -m 755 "$recipe/grafana.sh" "$home/bin/grafana"
/usr/bin/python3 -m compileall -q "$home/stand-in"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
