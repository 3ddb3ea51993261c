"""OpenADR, sans-IO: what a utility's server (VTN) is asked, what its answers mean, and what it is reported."""
