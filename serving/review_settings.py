"""The variables of the review page. Standard library only, as `settings.py`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serving.settings import ServerSettings, read_token

REVIEW_TOKEN: Final = "LINKAGE_REVIEW_TOKEN"


@dataclass(frozen=True)
class PageSettings:
    """How the page is served, and who may use it."""

    bind: str
    """`LINKAGE_BIND`: address to listen on."""
    port: int
    """`SAGEMAKER_BIND_TO_PORT`."""
    token: str = field(repr=False)
    """`LINKAGE_REVIEW_TOKEN`, or the content of the file `LINKAGE_REVIEW_TOKEN_FILE`: what people
    log in with."""
    auth_header: str
    """`LINKAGE_REVIEW_AUTH_HEADER`: header in which a proxy names who has logged in there."""
    linked: str
    """`LINKAGE_REVIEW_LINKED`: result of `link` that is shown, too."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "PageSettings":
        """Settings from environment variables.

        Raises:
            SettingError: A variable has an invalid value; the message names it.
        """
        server = ServerSettings.from_environ(environ)
        return cls(
            bind=server.bind,
            port=server.port,
            token=read_token(environ, REVIEW_TOKEN),
            auth_header=environ.get("LINKAGE_REVIEW_AUTH_HEADER", "").strip(),
            linked=environ.get("LINKAGE_REVIEW_LINKED", "").strip(),
        )
