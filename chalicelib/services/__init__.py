"""Use cases: each decides by the domain and acts through the ports it holds; none knows AWS, Stripe or OCPP words."""
