"""Calls on their way through: what their bodies say, how they reach an upstream and how its answer comes back."""
