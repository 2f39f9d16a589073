"""What the district decided: its settings file, checked whole, and the revisions that were applied."""
