"""Detectors: `scan` reads the parts of a request and returns what kinds of data they hold."""

from decision_layer.detect.scan import prepared, scan

__all__ = ["prepared", "scan"]
