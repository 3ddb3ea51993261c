"""Sources of signals: what they answer, and what of it is no answer."""
