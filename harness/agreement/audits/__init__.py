"""Audits of an AI rater: what biases it, whether it says the same twice, whether it can be talked over."""
