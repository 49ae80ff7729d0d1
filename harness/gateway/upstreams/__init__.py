"""What the gateway speaks to."""
