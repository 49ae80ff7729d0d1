"""Anthropic's Messages API, with each of the clients that its SDK has."""
