"""llama.cpp's compute graphs and the allocator that places them: what decides the size of the compute buffer."""
