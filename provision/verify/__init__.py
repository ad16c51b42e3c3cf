"""Collect what the machines and the gateway answer, then judge it; sign what came out."""
