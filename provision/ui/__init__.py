"""Rendering only: the console, JSON, HTML and JUnit. Nothing here decides anything."""
