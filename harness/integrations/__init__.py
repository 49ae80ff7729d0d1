"""Our sandbox inside other people's loops: whoever drives, every action goes through the same two doors."""
