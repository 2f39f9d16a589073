"""Services that fetch or show another site on the person's behalf, and where their addresses name it: one table.

What they name is judged as if it had been asked for itself. Left out on purpose: what only sends the browser on (link
shorteners, Google's /url, Facebook's l.php). That next request is judged by its own name, and who follows a link in a
search result is not recorded as trying to get round the filter. Link guards of mail (Safe Links, URL Defense, Link
Protect) stand here although they send on as well: they fetch the target first, and some show it themselves.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from categories.address import display_host
from proxy.snapshot import covering_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: (host, canonical path, canonical query) -> what is named, as text; a scheme may be missing.
    type Names = Callable[[str, str, str], Iterator[str]]

#: Given where a relay names a site in a way that cannot be read back: no address, so it is refused.
UNREADABLE = "http://"

_SCHEME = re.compile(r"https?:", re.IGNORECASE)


def values_of(query: str, *names: str) -> Iterator[str]:
    """Every value of these parameters, decoded once."""
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if unquote_plus(name).lower() in names:
            yield unquote(value)


def parameter(*names: str, below: str | tuple[str, ...] = "/") -> Names:
    """Name a relay whose query has the address, where its path begins with `below`."""

    def named(_host: str, path: str, query: str) -> Iterator[str]:
        if path.startswith(below):
            yield from filter(None, values_of(query, *names))

    return named


def tail(pattern: str, scheme: str = "") -> Names:
    """Name a relay whose path ends in the address: what follows `pattern`, and the relay's own query with it."""
    start = re.compile(pattern)

    def named(_host: str, path: str, query: str) -> Iterator[str]:
        if (found := start.match(path)) and (rest := unquote(path[found.end() :])):
            whole = f"{rest}?{query}" if query else rest
            has_host = "." in rest.partition("/")[0]
            yield scheme + whole if has_host and not _SCHEME.match(rest) else whole

    return named


def either(*ways: Names) -> Names:
    """Name a relay with several forms of addresses."""

    def named(host: str, path: str, query: str) -> Iterator[str]:
        for way in ways:
            yield from way(host, path, query)

    return named


def _translated(host: str, path: str, query: str) -> Iterator[str]:
    """Read `a--b-example-com.translate.goog` as Google says (Search Central, "Ad networks and translation").

    Its `_x_tr_enc` says which prefixes are marks; without it both readings are judged.
    """
    label = host.removesuffix(".translate.goog")
    if label == host:
        return
    if _HASHED.match(label):
        yield UNREADABLE
        return
    kept = "&".join(piece for piece in query.split("&") if not piece.startswith("_x_tr_"))
    rest = f"{path}?{kept}" if kept else path
    begins = list(values_of(query, "_x_tr_hp")) or [""]
    for written in dict.fromkeys(begin.lower() + label for begin in begins):
        for name in _readings(written):
            yield f"https://{_undashed(name)}{rest}"


_HASHED = re.compile(r"[a-z2-7]{26}-[a-z0-9]{15}-")


def _readings(written: str) -> Iterator[str]:
    yield written
    if written.startswith("1-"):
        yield from _readings(written[2:])
    elif written.startswith("0-"):
        yield f"xn--{written[2:]}"


def _undashed(label: str) -> str:
    """`-` between word characters is a dot, `--` a dash; the `xn--` of an IDN stays."""
    mark = "xn--" if label.startswith("xn--") else ""
    return mark + re.sub(r"\b-\b", ".", label[len(mark) :]).replace("--", "-")


def _amp_host(host: str, path: str, query: str) -> Iterator[str]:
    """Read `example-com.cdn.ampproject.org`: the AMP cache's own form, in which an IDN is encoded after its dashes."""
    label = host.removesuffix(".cdn.ampproject.org")
    shown = display_host(label).partition(" (")[0]
    inner = shown[2:-2] if shown.startswith("0-") and shown.endswith("-0") else shown
    if "-" in inner:  # else a digest of the name: the path has it
        yield f"https://{inner.replace('--', chr(0)).replace('-', '.').replace(chr(0), '-')}/"


def _cached(_host: str, _path: str, query: str) -> Iterator[str]:
    """Read `q=cache:<12 letters>:example.com/page words`, the digest or the words left out or not."""
    for value in values_of(query, "q"):
        word = value.replace("+", " ").strip().partition(" ")[0]
        if word.lower().startswith("cache:"):
            yield re.sub(r"^[A-Za-z0-9_-]{12}:(?!//|\d+(?:/|$))", "", word[6:])


def _url_defense_2(_host: str, path: str, query: str) -> Iterator[str]:
    """Read `u=https-3A__example.com_page`: a dash for a percent sign, an underscore for a slash."""
    if path.startswith("/v2/"):
        for value in values_of(query, "u"):
            yield unquote(value.translate(str.maketrans("-_", "%/")))


def _url_defense_3(_host: str, path: str, query: str) -> Iterator[str]:
    """Read `/v3/__https://example.com/page__;!!…$`, whose unusual characters are stars."""
    if path.startswith("/v3/__"):
        yield unquote(f"{path[6:]}?{query}".partition("__;")[0])


def _whole_query(_host: str, _path: str, query: str) -> Iterator[str]:
    if _SCHEME.match(text := unquote(query)):
        yield text


def _hexadecimal(_host: str, path: str, _query: str) -> Iterator[str]:
    """Read `/<digest>/<hexadecimal address>`, GitHub's image proxy."""
    try:
        yield bytes.fromhex(path.rpartition("/")[2]).decode("utf-8", "replace")
    except ValueError:
        return


def _imgproxy(_host: str, path: str, _query: str) -> Iterator[str]:
    """Read `/<signature>/rs:fit:500/g:ce/aHR0cHM6Ly9l/eGFtcGxl`: base64 that is cut by slashes."""
    if found := _IMGPROXY.match(path):
        yield path[found.end() :].replace("/", "")


_IMGPROXY = re.compile(r"/[^/]+/(?:[a-z_]+:[^/]*/)*")


def _yahoo(_host: str, path: str, _query: str) -> Iterator[str]:
    yield from (unquote(found[1]) for found in re.finditer(r"/RU=([^/]+)", path))


_AMP = tail(r"/[a-z]{1,3}/(?:w\d+/)?(?:s/)?", "https://")
_ARCHIVES = ("archive.today", "archive.ph", "archive.is", "archive.li", "archive.md", "archive.vn", "archive.fo")
_SNAPSHOT = r"/(?:(?:o|wip)/[^/]+/|newest/|oldest/|timegate/|timemap/)?(?:\d{4}[\d.-]*/)?"
_SETTINGS = r"(?:(?!https?(?::|%3A))[^/]+/)*(?=https?(?::|%3A))"
_URL = parameter("url")
_URL_DEFENSE = either(parameter("u", below="/v1/"), _url_defense_2, _url_defense_3)

#: Host, with its sub-domains -> how its addresses name a site.
RELAYS: dict[str, Names] = {
    # Translators
    "translate.goog": _translated,
    "bing.com": parameter("url", "a", below="/translator"),
    "microsofttranslator.com": parameter("a", "url"),
    "translatetheweb.com": parameter("a", "url"),
    "translate.yandex.com": parameter("url"),
    "translate.yandex.ru": parameter("url"),
    "turbopages.org": tail(r"/(?:proxy_u/[^/]+/(?:https?/)?|turbo/)?", "https://"),
    "papago.naver.net": _URL,
    "fanyi.baidu.com": parameter("query", below="/transpage"),
    # Caches and archives
    "webcache.googleusercontent.com": _cached,
    "cc.bingj.com": parameter("q", "url", "u", below="/cache"),
    "web.archive.org": tail(r"/(?:web|save|screenshot)/(?:(?:[\d*]{1,20}[a-z]{0,3}_?\*?|timemap/[a-z]+|_embed)/)*"),
    "archive-it.org": tail(r"/(?:\d+|all|org-\d+)/[^/]*/"),
    "arquivo.pt": tail(r"/(?:noFrame/replay|wayback|screenshot)/[^/]*/"),
    "timetravel.mementoweb.org": tail(r"/(?:memento|list|timegate|reconstruct)/(?:\d+/)?"),
    **dict.fromkeys(_ARCHIVES, either(tail(_SNAPSHOT), _URL)),
    # AMP
    "cdn.ampproject.org": either(_AMP, _amp_host),
    "bing-amp.com": _AMP,
    # Readers and converters
    "r.jina.ai": either(tail("/"), _URL),
    "12ft.io": either(tail("/(?:proxy$)?"), parameter("q", "url")),
    "1ft.io": either(tail("/"), parameter("q", "url")),
    "removepaywall.com": either(tail("/(?:search$)?"), _URL),
    "smry.ai": either(tail("/(?:proxy$)?"), _URL),
    "txtify.it": tail("/"),
    "printfriendly.com": parameter("url"),
    "docs.google.com": parameter("url", below=("/gview", "/viewer", "/a/")),
    "drive.google.com": parameter("url", below="/viewer"),
    "view.officeapps.live.com": parameter("src"),
    "validator.w3.org": parameter("uri", "doc"),
    # Images, and pictures of pages
    "wsrv.nl": _URL,
    "weserv.nl": _URL,
    "i0.wp.com": tail("/", "https://"),
    "i1.wp.com": tail("/", "https://"),
    "i2.wp.com": tail("/", "https://"),
    "i3.wp.com": tail("/", "https://"),
    "s0.wp.com": tail("/mshots/v1/"),
    "external-content.duckduckgo.com": parameter("u"),
    "proxy.duckduckgo.com": parameter("u"),
    "duckduckgo.com": parameter("u", below="/iu/"),
    "s.qwant.com": parameter("u"),
    "s1.qwant.com": parameter("u"),
    "s2.qwant.com": parameter("u"),
    "fbcdn.net": _URL,
    "facebook.com": parameter("url", below="/safe_image.php"),
    "camo.githubusercontent.com": _hexadecimal,
    "res.cloudinary.com": tail(r"/[^/]+/(?:image|video|raw)/fetch/" + _SETTINGS),
    "image.thum.io": tail("/get/" + _SETTINGS),
    "images.taboola.com": tail("/[^/]+/image/fetch/" + _SETTINGS),
    "criteo.net": parameter("u", below="/img/"),
    "imgs.search.brave.com": _imgproxy,
    "lens.google.com": parameter("url", below="/uploadbyurl"),
    # Proxies for programs
    "api.allorigins.win": _URL,
    "api.codetabs.com": parameter("quest"),
    "corsproxy.io": either(_URL, _whole_query),
    "cors-anywhere.herokuapp.com": tail("/"),
    "proxy.cors.sh": tail("/"),
    "thingproxy.freeboard.io": tail("/fetch/"),
    # Link guards of mail, and Yahoo's clicks
    "safelinks.protection.outlook.com": _URL,
    "safelinks.protection.office365.us": _URL,
    "statics.teams.cdn.office.net": parameter("url", below="/evergreen-assets/safelinks"),
    "urldefense.proofpoint.com": _URL_DEFENSE,
    "urldefense.com": _URL_DEFENSE,
    "urldefense.us": _URL_DEFENSE,
    "linkprotect.cudasvc.com": parameter("a"),
    "r.search.yahoo.com": _yahoo,
}

#: Google has one domain a nation; what only looks like one is judged as a relay too, which harms nobody.
_GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)*?(translate\.)?google\.(?:com?\.)?[a-z]{2,3}")
_OPENSOCIAL = "-opensocial.googleusercontent.com"  # images1-focus-…, whose names have a dash where a dot would be
_GOOGLE_AMP = tail(r"/amp/(?:s/)?", "https://")
_GOOGLE_TRANSLATE = parameter("u")


@lru_cache(maxsize=16_384)
def relay_of(host: str) -> Names | None:
    """How the addresses of a canonical host name another site; None for a host that is no known relay."""
    if (known := covering_name(host, RELAYS)) is not None:
        return RELAYS[known]
    if host.endswith(_OPENSOCIAL):
        return _URL
    if google := _GOOGLE.fullmatch(host):
        return _GOOGLE_TRANSLATE if google[1] else _GOOGLE_AMP
    return None
