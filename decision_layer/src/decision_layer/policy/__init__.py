"""The policy file: what data classes there are, where each may go, and which model answers what."""
