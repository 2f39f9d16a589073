"""Words within a text that tell what it is for, found as the text comes, however it is cut into pieces.

A mark is no verdict: the detectors say which marks together, in which kind of text, are a technique. hyperscan searches
for all of them at once.
"""

from __future__ import annotations

from functools import cache

from categories.expression_engine import Matcher


def _identifier(name: str) -> str:
    r"""A name of a script, each letter also as \u0046 (ECMA-262, section 12.7.1); \u{46} takes too long to compile."""
    return "".join(rf"(?:{each}|\\u00{ord(each):x})" for each in name)


#: Mark -> expression; case does not count.
_EXPRESSIONS: dict[str, str] = {
    # a PAC file: the functions that its readers call (Ex: Windows, with IPv6)
    "pac": _identifier("FindProxyForURL") + r"(?:Ex)?(?:\s|/\*[^*]*\*/|//[^\r\n]*[\r\n])*[(=]",
    # OpenVPN
    "ovpn-remote": r"[\r\n][ \t]*remote[ \t]+[0-9A-Za-z\[]",
    "ovpn-ca": r"[\r\n][ \t]*<(?:ca|tls-auth|tls-crypt|tls-crypt-v2|connection)>",
    "ovpn-dev": r"[\r\n][ \t]*dev[ \t]+(?:tun|tap)",
    # WireGuard
    "wg-interface": r"[\r\n][ \t]*\[Interface\]",
    "wg-key": r"[\r\n][ \t]*PrivateKey[ \t]*=",
    # Apple's configuration profiles
    "profile": r"<key>\s*PayloadType\s*</key>",
    "profile-vpn": (r"<string>\s*com\.apple\.(?:vpn\.managed|dnsSettings\.managed|proxy\.http\.global|relay\.managed)"),
    # web proxies that live in a service worker; names that stand in the packed files of npm
    "worker-proxy": (
        r"__uv\$|__uv-attr-|UVServiceWorker|Ultraviolet\.codec|UVClient|scramjet\$|\$scramjet"
        r"|Scramjet(?:Controller|ServiceWorker)|BareMuxConnection|bare-mux(?::|[/-][a-z])|__dynamic\$"
    ),
    # forms of web proxies that run on a server
    "glype": r"<form[^>]*includes/process\.php\?action=update",
    "phproxy": r"""<input[^>]*name\s?=\s?["']?hl\[include_form\]""",
    "cgiproxy": r"<form[^>]*nph-proxy[0-9a-z_]*\.(?:cgi|pl)",
    # a compound document that is an installer: the class of its root (MSI, MSP, MST)
    "msi": r"[\x82\x84\x86]\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46",
    # names in a ZIP's local headers, behind the length of the name and of what follows it; no bounded repeats, which
    # take a tenth of a second each to compile
    "zip-apk": r"\x13\x00..AndroidManifest\.xml",
    "zip-jar": r"\x14\x00..META-INF/MANIFEST\.MF",
    "zip-xpi": r"(?:\x14\x00..META-INF/mozilla\.rsa|\x0b\x00..install\.rdf)",
    "zip-msix": r"(?:\x10\x00..AppxManifest\.xml|\x25\x00..AppxMetadata/AppxBundleManifest\.xml)",
    "zip-encrypted": r"PK\x03\x04.{2}[\x01\x03\x05\x07\x09\x0b\x0d\x0f]",
}

MARKS = tuple(_EXPRESSIONS)


#: So much of what was searched is searched again with what follows, in bytes: no mark is usually longer.
_OVERLAP = 512


@cache
def _matcher() -> Matcher:
    return Matcher.compile(tuple(_EXPRESSIONS.values()))


class Search:
    """One text on its way. `found` only grows.

    hyperscan's own streams are not used: their binding (0.9.1) crashed the process.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._tail = b"\n"  # a text begins with a line

    def more(self, text: bytes) -> bool:
        """Search one more piece; whether something new was found."""
        if not text:
            return False
        looked_at = self._tail + text
        found = {MARKS[number] for number in _matcher().ends(looked_at)} - self.found
        self._tail = looked_at[-_OVERLAP:]
        self.found |= found
        return bool(found)
