"""A whole network in virtual time in which any one call, or several, can go wrong: what must hold afterwards holds."""
