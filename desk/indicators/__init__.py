"""Streaming indicators: update(x) returns a number once warm, None before; O(1) memory."""
