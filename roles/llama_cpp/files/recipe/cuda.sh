# Sourced by build.sh where GGML_CUDA=ON: NVIDIA's compiler and libraries, from PyPI by hash; sets cuda_options and
# cuda_libraries. CUDA 13.0: what the pinned driver's branch (580) offers (CUDA Toolkit 13.0 release notes: driver 580.65.06 and newer).
"$work/venv/bin/pip" install -q --no-deps --require-hashes --only-binary :all: \
  --target "$work/cuda" -r "$recipe/cuda-requirements.txt"
toolkit=$work/cuda/nvidia/cu13

# The wheels have each library under its run-time name alone, and in lib/: the linker looks for lib*.so, nvcc in lib64/.
ln -s lib "$toolkit/lib64"
for library in "$toolkit"/lib/*.so.*; do
  ln -s "${library##*/}" "${library%%.so.*}.so"
done
export PATH=$toolkit/bin:$PATH

# 89: RTX 4090 and RTX 6000 Ada; 90: H100; 80-virtual: every later card compiles it for itself at its first start.
# NO_VMM: the wheels have no stub of the driver's libcuda to link against; llama.cpp then allocates by cudaMalloc.
# NCCL=OFF: layers are split, which sends no collectives between cards.
cuda_options=(
  -DCUDAToolkit_ROOT="$toolkit" -DCMAKE_CUDA_COMPILER="$toolkit/bin/nvcc"
  -DCMAKE_CUDA_ARCHITECTURES="80-virtual;89-real;90-real"
  -DGGML_CUDA_NO_VMM=ON -DGGML_CUDA_NCCL=OFF
  -DCMAKE_EXE_LINKER_FLAGS="-Wl,-rpath-link,$toolkit/lib"
)
cuda_libraries=("$toolkit"/lib/lib{cudart,cublas,cublasLt}.so.13)
