"""provision: a hardware profile goes in, a verified private AI stack comes out."""

__version__ = "0.1.0"
