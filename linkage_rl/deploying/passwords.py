"""Finds passwords in values of the stack, where everyone who may describe it can read them."""

import re
from typing import Final
from urllib.parse import unquote

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_SECRET_NAME: Final = re.compile(r"PASSW|PWD|TOKEN|SECRET", re.IGNORECASE)
_SECRET_KEY: Final = re.compile(r"(passw(or)?d|pwd)\W*[=:]", re.IGNORECASE)


def holds_password(text: str) -> bool:
    """Whether a text holds a password: of a URL, of its options, or after a key of that name.

    >>> holds_password("postgresql://ann:12/w@host/db")
    True
    >>> holds_password("postgresql://ann@host:5432/db?sslmode=require")
    False
    """
    if _SECRET_KEY.search(unquote(text)):
        return True
    if "://" not in text:
        return False
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        return bool(re.search(r"://[^/]*:.*@", text, re.DOTALL))
    return url.password is not None or any(_SECRET_NAME.search(key) for key in url.query)
