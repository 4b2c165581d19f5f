"""A language model behind an OpenAI-compatible endpoint: one question, one answer."""
