"""Services: the use cases. Each decides by the domain and acts through ports; none knows AWS, Stripe or OCPP words."""
