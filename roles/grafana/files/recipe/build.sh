#!/bin/bash
# Lays out upstream's archive, which holds one folder named after the version, as DEST.
#
#   ARTIFACTS=FOLDER bash build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
work=$(mktemp -d "$dest.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
rm -rf "$dest"
tar -xf "$ARTIFACTS"/grafana_*_linux_amd64.tar.gz -C "$work"
mv "$work"/grafana-* "$dest"
test -x "$dest/bin/grafana"
test -d "$dest/conf"
test -d "$dest/public"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
