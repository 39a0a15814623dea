"""Measuring after the fact: metrics with n, interval and cost."""
