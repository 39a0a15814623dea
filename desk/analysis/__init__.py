"""Slow numbers for the analyzer."""
