"""The parts of the probe, one subject each. Python 3.9 and its standard library; nothing here raises to its caller
unless its docstring says so."""
