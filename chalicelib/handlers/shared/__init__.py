"""What handlers have in common at the edge of HTTP; no handler imports another."""
