"""A site's day, simulated: who comes, what an algorithm grants them, what their cars then take, and what it came to."""
