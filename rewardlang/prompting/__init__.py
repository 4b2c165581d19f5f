"""What a language model is told: prompts from templates, pure and without an endpoint."""
