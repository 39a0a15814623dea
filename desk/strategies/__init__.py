"""When to wish for an order."""
