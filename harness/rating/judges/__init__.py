"""Raters that form an opinion: LLM judges and panels of them, reward models, the model's own confidence."""
