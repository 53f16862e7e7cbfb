"""Measures Precog against its floors: `make bench`. Imports of `precog` only; nothing imports this."""
