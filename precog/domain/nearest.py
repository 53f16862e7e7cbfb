"""The hint in an error about a name: which known name was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'critical'?`, ready to be appended to a message, or nothing where no known name is near."""
    by_lower_case = {str(candidate).lower(): str(candidate) for candidate in known}
    near = get_close_matches(name[:100].strip().lower(), by_lower_case, n=1)
    return f"; did you mean {by_lower_case[near[0]]!r}?" if near else ""
