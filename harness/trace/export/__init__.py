"""Recorded runs in the formats of other tools: one module a format, each from traces to a file."""
