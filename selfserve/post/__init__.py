"""How messages leave the house: what they say, how they look, and the two ways they go."""
