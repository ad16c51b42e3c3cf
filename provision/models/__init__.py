"""Frozen data that passes between the stages. No I/O, nothing of ours imported."""
