"""Is it good and is it safe: suites that a person runs on a machine of their own."""
