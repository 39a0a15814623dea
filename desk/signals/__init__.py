"""Numbers about now, and what they mean for the next minutes."""
