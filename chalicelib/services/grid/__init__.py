"""Load balancing: a site's power shared out among its cars, and the way from there to the chargers."""
