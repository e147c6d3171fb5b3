"""Registered domains of URLs and e-mail addresses."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import tldextract

from linkage_rl.text.normalise import fold

_EXTRACT: Final = tldextract.TLDExtract(
    cache_dir=None,
    suffix_list_urls=(),
    fallback_to_snapshot=True,
    include_psl_private_domains=True,
)
"""The public suffix list bundled with tldextract: no network, nothing written. Its private part is
used, too, since the customers of one web host (github.io) are different companies."""
_SCHEME: Final = re.compile("^[a-z]{3,6}://|^(?:https?|ftp)[:;]/*|^mailto:|^/+")
_HOST: Final = re.compile("^(?:[^/?#@]*@)?([^/?#:@ ,;]+)")


def canonical_domains(texts: Sequence[str]) -> list[str]:
    """Registered domain, lower case, international names in punycode; '' where there is none.

    Neither an IP address nor a bare word has a registered domain.

    >>> canonical_domains(["https://www.nta.go.jp:443/taxes", "info@shop.example.co.jp"])
    ['nta.go.jp', 'example.co.jp']
    """
    if not any(texts):
        return [""] * len(texts)
    return [_canonical_domain(text) if text else "" for text in fold(texts)]


@lru_cache(maxsize=262_144)
def _canonical_domain(text: str) -> str:
    found = _HOST.match(_SCHEME.sub("", text.strip(" <>()\"'")))
    host = found[1].strip(".") if found else ""
    domain = _EXTRACT(host).top_domain_under_public_suffix if host else ""
    try:
        return domain.encode("idna").decode("ascii") if domain else ""
    except UnicodeError:
        return ""
