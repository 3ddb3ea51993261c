"""Services of vehicles: links to makers, what cars tell, and a driver's own cars."""
