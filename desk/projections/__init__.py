"""Folds over what happened, for people to read."""
