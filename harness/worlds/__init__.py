"""Bundled web apps with real state."""
