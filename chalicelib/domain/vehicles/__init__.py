"""Cars of drivers: what can be asked of one, what it said and when, and how often it may be asked."""
