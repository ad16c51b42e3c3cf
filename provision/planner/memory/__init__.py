"""What a model takes in memory under llama.cpp, as the engine's own allocator would say."""
