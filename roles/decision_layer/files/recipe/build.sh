#!/bin/bash
# Builds the decision layer with its own Python environment into DEST, from hash-locked packages and from the checkout's
# decision_layer/, which SOURCES names and which lies in sources/ where this runs.
#
#   bash build.sh DEST
#
# Runs as root on Debian 12 (Python 3.11) with apt and PyPI within reach; DEST must be the final path, since scripts
# hold it. requirements.txt is that package's own lock; after a change of it:
#   cd decision_layer && uv export --frozen --no-dev --extra postgresql --no-emit-project --no-header --no-annotate \
#     --format requirements-txt -o ../roles/decision_layer/files/recipe/requirements.txt
# What builds the package: edit build-requirements.in, then with a date at least 7 days back
#   uv pip compile --generate-hashes --no-annotate --no-header --python-version 3.11 --exclude-newer DATE \
#     --no-emit-index-url --no-emit-find-links build-requirements.in -o build-requirements.txt
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/decision-layer-build.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install gcc libc6-dev python3-dev python3-venv
[[ -e /etc/ssl/certs/ca-certificates.crt ]] || apt-get -q -y --no-install-recommends install ca-certificates
export PIP_CERT=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt} PIP_DISABLE_PIP_VERSION_CHECK=1

locked=(install -q --no-deps --require-hashes --only-binary :all:)
/usr/bin/python3 -m venv "$work/tools"
# The packages that it runs with are here too: the compiler of detect/ (pyproject.toml) reads their types.
"$work/tools/bin/pip" "${locked[@]}" -r "$recipe/build-requirements.txt" -r "$recipe/requirements.txt"
# Copied: a build leaves files beside its sources, and the recipe stays as it is.
cp -r "$recipe/sources" "$work/project"
HATCH_BUILD_HOOK_ENABLE_MYPYC=1 PATH="$work/tools/bin:$PATH" "$work/tools/bin/pip" wheel -q --no-deps --no-build-isolation -w "$work" "$work/project"

rm -rf "$dest"
mkdir -p "$(dirname "$dest")"
/usr/bin/python3 -m venv --without-pip "$dest"
"$work/tools/bin/pip" --python "$dest/bin/python" "${locked[@]}" -r "$recipe/requirements.txt"
"$work/tools/bin/pip" --python "$dest/bin/python" install -q --no-deps --no-index "$work"/decision_layer-*.whl
find "$dest/bin" ! -type d ! -name 'python*' ! -name decision-layer -delete

# What is left must come up on its own, and be of this recipe.
env -i PATH=/usr/bin:/bin HOME="$work" "$dest/bin/decision-layer" schema >"$work/schema.json"
env -i PATH=/usr/bin:/bin "$dest/bin/python" - "$(cat "$recipe/VERSION")" <<'PYTHON'
import sys
from importlib.metadata import version
import decision_layer.gateway.serve
import decision_layer.detect.lexicon as lexicon
assert lexicon.__file__.endswith(".so"), "not compiled"
assert version("decision-layer") == sys.argv[1], version("decision-layer")
PYTHON

chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
echo "decision-layer $(cat "$recipe/VERSION"): $(du -sm "$dest" | cut -f1) MB"
