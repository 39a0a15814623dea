"""The simulated venue: matching, order flow, paper fills."""
