"""Base58 with Bitcoin's alphabet, for short values: keys and digests.

Source: draft-msporny-base58, Multibase prefix `z`.
"""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}

MAX_LENGTH: Final = 128
"""Longest text that is decoded unless told: the work grows with the square, and no key or digest here is longer."""


def encode(data: bytes) -> str:
    """The base58btc text of `data`, without a Multibase prefix."""
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * leading_zeros + digits


def decode(text: str, *, longest: int = MAX_LENGTH) -> bytes | None:
    """The bytes that `text` stands for, or None when it is not base58btc or over `longest` characters."""
    if len(text) > longest:
        return None
    number = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number * 58 + value
    leading_zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(leading_zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
