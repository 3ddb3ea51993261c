"""OpenADR as it is written."""
