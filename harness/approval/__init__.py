"""Who says yes."""
