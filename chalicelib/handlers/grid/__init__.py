"""Load balancing's doors: the queues of looks, and the routes by which an operator describes and sees a site."""
