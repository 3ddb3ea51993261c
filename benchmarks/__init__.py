"""What `make bench` runs: counts and ratios taken in one run, against the real local stack."""
