"""How long something took or takes, for a person."""

_STEPS = ((86_400 * 2, 86_400, "d"), (3_600 * 2, 3_600, "h"), (60, 60, "min"), (0, 1, "s"))
"""From how many seconds on a unit is used, its length in seconds, its name."""


def span(seconds: float) -> str:
    """`90 s` is `1 min`: whole units, rounded down, of a size that is quickly read."""
    unit, name = next((unit, name) for least, unit, name in _STEPS if seconds >= least)
    return f"{int(seconds // unit)} {name}"
