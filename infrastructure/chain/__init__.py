"""The escrow of charging sessions on an EVM chain: its contract, and the same compiled, as it is deployed."""
