"""The coefficients of agreement, each beside its formula and source."""
