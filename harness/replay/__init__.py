"""Do it again: see a run, perform it once more, judge it by other rules, go on where it ended."""
