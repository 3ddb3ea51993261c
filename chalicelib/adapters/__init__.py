"""Each file keeps the promises of some ports with one outside thing; adapters do not know each other."""
