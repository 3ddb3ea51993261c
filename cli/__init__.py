"""The `kerb` command: what an operator or an owner of Kerb asks at a terminal. It stays home and calls no AWS."""
