"""Tasks: where they are defined, where their data come from, and how they become items."""
