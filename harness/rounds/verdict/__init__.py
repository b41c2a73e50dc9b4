"""The verdict on a series, and what stands beside it: gains, looks, comparisons, the shape of the curve."""
