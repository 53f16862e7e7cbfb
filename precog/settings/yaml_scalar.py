"""What an unquoted word of a YAML file means.

The reading is YAML 1.2's, made stricter where readers disagree: what another program or another person could take for
something else is refused with the advice to quote it. Numbers with a fraction or an exponent are exact Decimals.
"""

import re
from decimal import Decimal

Scalar = bool | int | Decimal | str | None

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,6})?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BOOLEAN_TO_SOME = {"yes", "no", "on", "off"}
_MOST_DIGITS = 40


def read_plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError with the advice for what is ambiguous or not finite."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text.lower() in _BOOLEAN_TO_SOME:
        raise ValueError(f"{text} is a boolean to some readers and a word to others: write true or false, or quote it")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    return _read_number(text) if _NUMBER.fullmatch(text) else text


def _read_number(text: str) -> int | Decimal:
    if text.startswith("+"):
        raise ValueError("a number does not keep its +: quote it if it is a phone number, drop the + if it is not")
    if _LEADING_ZERO.match(text):
        raise ValueError("a number does not keep its leading zero: quote it if it is text, drop the zero if it is not")
    number = Decimal(text)
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"a number of more than {_MOST_DIGITS} digits: quote it if it is text")
    return int(text) if text.lstrip("-").isdigit() else number
