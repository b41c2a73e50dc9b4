"""Ratings become units: which rows count, at which level, as one grid of items by raters."""
