"""YAML and environment in; frozen, typed settings out; everything that is wrong said at once."""
