"""What a node answers for itself, before sign-in and while the filter is in trouble: notice, help, CA, CRL, PAC.

Reached at the district's public name through the proxy, and by an origin-form request to the listener. Pure: everything
is made once, when a snapshot is built; nothing of a request but path, method and language has any effect.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from proxy.pages.answers import UNFRAMED, Answer, answer_to, content_policy
from proxy.pages.ask import Ask, language_of
from proxy.pages.catalogue import LANGUAGES, catalogue
from proxy.pages.frame import PageSettings, frame
from proxy.pages.templates import environment, style
from proxy.pages.wording import mailto, telephone

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Health", "ProxyAddress", "PublicFiles", "PublicPages"]

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where clients reach the proxy. Raises ValueError for a host that could end a string of the PAC file."""

    host: str  # a name, an IPv4 address, or an IPv6 address in brackets
    port: int
    tls: bool = False

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host) or not 0 < self.port < 65536:
            raise ValueError(f"not a proxy address: {self.host!r} port {self.port}")

    @classmethod
    def of_listener(cls, address: str, port: int, tls: bool, public_name: str) -> ProxyAddress:
        """The address to hand out for a listener: the public name, except where only this machine can reach it."""
        if not ip_address(address).is_loopback:
            return cls(public_name.partition(":")[0], port, tls)
        return cls(f"[{address}]" if ":" in address else address, port, tls)

    @property
    def local(self) -> bool:
        """True when only the node's own machine can use it."""
        return self.host.startswith("127.") or self.host == "[::1]"

    @property
    def url(self) -> str:
        """The root of this node's own pages, reached without any proxy."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Health:
    """What /healthz says of this worker."""

    ok: bool = True
    text: str = "ok"


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """What is handed out. Raises ValueError without a proxy, or when `certificate` is not one PEM certificate alone."""

    certificate: bytes  # PEM; a file that also holds the key is refused
    crl: bytes | None  # DER
    proxies: tuple[ProxyAddress, ...]

    def __post_init__(self) -> None:
        if not self.proxies:
            raise ValueError("no listener to hand out in the PAC file")
        if not _CERTIFICATE.fullmatch(self.certificate):
            raise ValueError("the authority to hand out has to be one PEM certificate, and nothing else")

    @property
    def certificate_der(self) -> bytes:
        """The same certificate as DER."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.decode("ascii"))

    @property
    def usable(self) -> tuple[ProxyAddress, ...]:
        """The proxies that other machines can reach; the local ones only when there are no others."""
        return tuple(proxy for proxy in self.proxies if not proxy.local) or self.proxies


class PublicPages:
    """The node's own pages, made once."""

    def __init__(self, settings: PageSettings, files: PublicFiles) -> None:
        self._files = _served(files)
        self._style = style("style.css", "public.css")
        self._policy = content_policy(self._style, UNFRAMED)  # no sandbox: it would forbid the download of the CA
        values = {
            "fingerprint": hashlib.sha256(files.certificate_der).digest().hex(":").upper(),
            "pac_url": f"{files.usable[0].url}/proxy.pac",
        }
        self._pages = {language: self._rendered(settings, language, values) for language in LANGUAGES}

    def answer(self, method: str, path: str, ask: Ask, health: Health | None = None) -> Answer:
        """The answer to an origin-form request, by its path (what follows `?` is ignored)."""
        path, ask = path.partition("?")[0], replace(ask, method=method)
        if method not in ("GET", "HEAD"):
            return self._page("not_allowed", ask, 405, {"Allow": "GET, HEAD"})
        if path == "/healthz":
            return self._health(ask, health or Health())
        if path in self._files:
            file = self._files[path]
            return answer_to(ask, 200, self._fields(file.media_type), file.body)
        if path in _PAGES:
            return self._page(_PAGES[path], ask, 200)
        return self._page("missing", ask, 404)

    def _health(self, ask: Ask, health: Health) -> Answer:
        return answer_to(ask, 200 if health.ok else 503, self._fields(_TEXT), f"{health.text}\n".encode())

    def _page(self, name: str, ask: Ask, status: int, fields: Mapping[str, str] | None = None) -> Answer:
        language = language_of(ask, LANGUAGES)
        headers = {**self._fields(_HTML), "Content-Language": language, **(fields or {})}
        return answer_to(ask, status, headers, self._pages[language][name])

    def _fields(self, media_type: str) -> dict[str, str]:
        return {"Content-Type": media_type, "Content-Security-Policy": self._policy}

    def _rendered(self, settings: PageSettings, language: str, values: Mapping[str, str]) -> dict[str, bytes]:
        texts = catalogue(language)
        email = settings.help_desk_email
        common: dict[str, Any] = {
            **frame(settings, language),
            **values,
            "style": self._style,
            "tone": "policy",
            "actions": _desk(settings, texts),
            "miss_link": mailto(email, texts["public.help.miss_subject"]) if email else "",
        }
        return {
            page: environment()
            .get_template(template)
            .render(common, page=page, window=_window(texts, page, settings.name))
            .encode()
            for page, template in _TEMPLATES.items()
        }


_PAGES = {"/": "notice", "/help": "help"}
_TEMPLATES = {"notice": "notice.html", "help": "help.html", "missing": "plain.html", "not_allowed": "plain.html"}


def _window(texts: Mapping[str, str], page: str, name: str) -> str:
    return texts[f"public.{page}.window"].format(name=name, filter=texts["filter"])


def _desk(settings: PageSettings, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    email, phone = settings.help_desk_email, settings.help_desk_phone
    mail = [(mailto(email, texts["filter"]), texts["buttons.contact"])] if email else []
    call = [(telephone(phone), texts["buttons.call"].format(phone=phone))] if phone else []
    return mail + call


def _served(files: PublicFiles) -> dict[str, _File]:
    certificate = "application/x-x509-ca-cert"
    served = {
        "/ca.crt": _File(certificate, files.certificate),
        "/ca.der": _File(certificate, files.certificate_der),
        "/proxy.pac": _File("application/x-ns-proxy-autoconfig", pac(files.usable)),
    }
    return served if files.crl is None else {**served, "/ca.crl": _File("application/pkix-crl", files.crl)}


def pac(proxies: tuple[ProxyAddress, ...]) -> bytes:
    """A proxy auto-configuration file. No DIRECT at the end: without the filter there is no Internet.

    A device's own services stay on it. The patterns are anchored: "127.evil.test" is a name like any other, and no
    function of the PAC language that would resolve a name is used.
    """
    chain = "; ".join(f"{'HTTPS' if proxy.tls else 'PROXY'} {proxy.host}:{proxy.port}" for proxy in proxies)
    return f"""\
function FindProxyForURL(url, host) {{
  var name = host.toLowerCase().replace(/\\.$/, "");
  if (/^(.+\\.)?localhost$|^127(\\.\\d{{1,3}}){{3}}$|^\\[?::1\\]?$/.test(name)) return "DIRECT";
  return {json.dumps(chain)};
}}
""".encode("ascii")
