"""Logins that a signed cookie holds, so that every process with the token knows them."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final

SESSION_S: Final = 12 * 3600
"""How long a login holds that is not used; every use renews it."""
LONGEST_S: Final = 14 * 86_400
"""How long a login holds at most."""
RENEWED_S: Final = 3600
"""Age from which on a cookie is renewed."""


@dataclass(frozen=True)
class Session:
    """One login of a reviewer."""

    name: str
    session_id: str
    """32 hexadecimal digits."""
    begun: int
    """Time of the login, in seconds."""
    renewed: int
    """Time of the last renewal, in seconds."""

    @property
    def until(self) -> int:
        """When it ends, in seconds."""
        return min(self.renewed + SESSION_S, self.begun + LONGEST_S)


class Sessions:
    """Writes and reads the cookies of logins.

    A cookie is valid until it ends, in every process that has the key. Whoever logs out ends the
    session in this process at once; another process, or this one after a restart, would take a copy
    of the cookie until then.
    """

    def __init__(self, key: bytes) -> None:
        """Sign with this key."""
        self._key = key
        self._ended: dict[str, int] = {}

    def begin(self, name: str) -> Session:
        """A new login."""
        now = int(time.time())
        return Session(name, secrets.token_hex(16), now, now)

    def cookie(self, session: Session) -> str:
        """The session as the value of a cookie."""
        parts = (_packed(session.name), session.session_id, session.begun, session.renewed)
        text = ".".join(map(str, parts))
        return f"{text}.{self.signed('session', text)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None where it is over, or not of this server."""
        text, _, signature = cookie.rpartition(".")
        if not self.is_signed("session", text, signature):
            return None
        parts = text.split(".")
        # signed by an earlier version
        if len(parts) != 4:
            return None
        session = Session(_unpacked(parts[0]), parts[1], int(parts[2]), int(parts[3]))
        is_over = session.until <= time.time() or session.session_id in self._ended
        return None if is_over else session

    def renewed(self, session: Session) -> Session | None:
        """The session from now on; None where that is too early."""
        now = int(time.time())
        if now - session.renewed < RENEWED_S or session.session_id in self._ended:
            return None
        return Session(session.name, session.session_id, session.begun, now)

    def end(self, session: Session) -> None:
        """Take no cookie of this session any more."""
        now = time.time()
        # whatever has been renewed elsewhere holds no longer than this
        self._ended = {one: until for one, until in self._ended.items() if until > now}
        self._ended[session.session_id] = session.begun + LONGEST_S

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether `signed` gives this signature, in a time that says nothing about it."""
        return hmac.compare_digest(signature.encode(), self.signed(purpose, text).encode())

    def signed(self, purpose: str, text: str) -> str:
        """A signature, 64 hexadecimal digits."""
        content = f"{purpose}\0{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def _packed(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode().rstrip("=")


def _unpacked(text: str) -> str:
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return content.decode("utf-8", "surrogateescape")
