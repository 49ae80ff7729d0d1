"""The harness: a sandbox in which computer-use agents act, and nothing gets out unjudged."""
