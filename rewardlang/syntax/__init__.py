"""Text to syntax tree and back. Bad text is data: what cannot be read becomes diagnostics."""
