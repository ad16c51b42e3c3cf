"""The firm's own use cases, run against models side by side: read, ask, score, judge."""
