"""The doors to the outside: one file per channel, each with its settings, its limits and its code tables."""
