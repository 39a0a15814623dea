"""The trading desk as a library: pure floors, one writer, marked edges (see docs/architecture.md)."""
