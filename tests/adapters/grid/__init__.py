"""The grid's adapters: outside publishers over HTTP, and what is kept of them."""
