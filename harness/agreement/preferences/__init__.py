"""Comparisons of two answers: who wins, how surely, and at equal length."""
