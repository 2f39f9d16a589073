"""Pages whose addresses carry other addresses without showing them: searches, sign-in, measurement, tickets, clicks.

A page is recognised by its own host and path, never by the name of a parameter: `redirect_uri=` is as easily written on
a web proxy. So a host stands here only where strangers can run nothing below it that fetches for them; what a district
needs beside these (its own sign-in, its own tickets) ITS unblocks for that host, by the reason `bypass.nested-address`.
"""

from __future__ import annotations

from functools import lru_cache

from config.rewritten_hosts import search_hosts
from proxy.snapshot import covering_name

_ANY = ("/",)


def _below(domain: str, names: str) -> list[str]:
    """Of a firm that also has hosts which fetch and show, those that only measure."""
    return [f"{name}.{domain}" for name in names.split()]


#: Host, with its sub-domains -> how its paths that only carry begin.
CARRIERS: dict[str, tuple[str, ...]] = {
    # Searches and what is suggested while somebody types. Google stands below.
    "bing.com": ("/search", "/images/search", "/videos/search", "/news/search", "/shop", "/AS/", "/osjson", "/qbox",
                 "/ck/", "/aclick", "/action/", "/fd/"),
    "duckduckgo.com": _ANY,
    "search.yahoo.com": _ANY,
    "www.ecosia.org": ("/search", "/images", "/news", "/videos"),
    "ac.ecosia.org": _ANY,
    "startpage.com": ("/sp/search", "/do/search", "/do/dsearch", "/suggestions"),
    "search.brave.com": ("/search", "/images", "/news", "/videos", "/api/"),
    "www.qwant.com": _ANY,
    "api.qwant.com": _ANY,
    "kagi.com": ("/search", "/html/search", "/api/autosuggest"),
    "kiddle.co": ("/s.php", "/i.php", "/v.php", "/n.php"),
    "yandex.com": ("/search", "/suggest", "/clck"),
    "www.baidu.com": ("/s", "/link", "/sugrec"),
    "youtube.com": ("/results", "/redirect", "/api/stats", "/youtubei/"),
    "wikipedia.org": ("/w/index.php", "/wiki/Special:Search"),
    "reddit.com": ("/search",),
    "x.com": ("/search", "/intent/"),
    "stackoverflow.com": ("/search",),
    "github.com": ("/search", "/login", "/session"),
    # Sign-in
    "accounts.google.com": _ANY,
    "accounts.youtube.com": _ANY,
    "login.microsoftonline.com": _ANY,
    "login.microsoftonline.us": _ANY,
    "login.microsoft.com": _ANY,
    "login.live.com": _ANY,
    "login.windows.net": _ANY,
    "b2clogin.com": _ANY,
    "appleid.apple.com": _ANY,
    "idmsa.apple.com": _ANY,
    "okta.com": _ANY,
    "oktapreview.com": _ANY,
    "onelogin.com": _ANY,
    "auth0.com": ("/authorize", "/login", "/u/", "/samlp/", "/v2/logout", "/oidc/"),
    "duosecurity.com": _ANY,
    "pingidentity.com": _ANY,
    "pingone.com": _ANY,
    "amazoncognito.com": ("/oauth2/", "/login", "/logout", "/saml2/"),
    "clever.com": _ANY,
    "classlink.com": _ANY,
    "rapididentity.com": _ANY,
    "identityautomation.com": _ANY,
    "login.gov": _ANY,
    "id.me": _ANY,
    "go.openathens.net": _ANY,
    "login.openathens.net": _ANY,
    "auth.adobe.com": _ANY,
    "auth.services.adobe.com": _ANY,
    "signin.aws.amazon.com": _ANY,
    "facebook.com": ("/login", "/dialog/", "/v", "/tr", "/plugins/", "/sharer", "/l.php", "/flx/", "/privacy/"),
    "linkedin.com": ("/oauth", "/uas/", "/checkpoint", "/login", "/shareArticle", "/sharing/", "/redir/", "/li/track"),
    # Measurement and advertising
    "google-analytics.com": _ANY,
    "analytics.google.com": _ANY,
    "googletagmanager.com": _ANY,
    "doubleclick.net": _ANY,
    "googlesyndication.com": _ANY,
    "googleadservices.com": _ANY,
    "adtrafficquality.google": _ANY,
    "fundingchoicesmessages.google.com": _ANY,
    "connect.facebook.net": _ANY,
    "clarity.ms": _ANY,
    "bat.bing.com": _ANY,
    "px.ads.linkedin.com": _ANY,
    "analytics.tiktok.com": _ANY,
    "scorecardresearch.com": _ANY,
    "chartbeat.net": _ANY,
    "hotjar.com": _ANY,
    "hotjar.io": _ANY,
    "omtrdc.net": _ANY,
    "2o7.net": _ANY,
    "demdex.net": _ANY,
    "everesttech.net": _ANY,
    "matomo.cloud": ("/matomo.php", "/piwik.php"),
    "plausible.io": ("/api/event",),
    "segment.io": _ANY,
    "mixpanel.com": _ANY,
    "amplitude.com": _ANY,
    "nr-data.net": _ANY,
    "sentry.io": _ANY,
    "browser-intake-datadoghq.com": _ANY,
    "quantserve.com": _ANY,
    "quantcount.com": _ANY,
    "adnxs.com": _ANY,
    **dict.fromkeys(_below("criteo.com", "bidder gum dis widget sslwidget mug dynamic static cat cas"), _ANY),
    "rubiconproject.com": _ANY,
    "pubmatic.com": _ANY,
    "openx.net": _ANY,
    "amazon-adsystem.com": _ANY,
    **dict.fromkeys(_below("taboola.com", "trc trc-events us-trc cdn api nr beacon sync match pips"), _ANY),
    **dict.fromkeys(_below("outbrain.com", "widgets odb log tr amplify paid sync mv"), _ANY),
    # Icons, which lists of links load unasked
    "gstatic.com": ("/faviconV2",),
    # Services that say how a site is listed
    "virustotal.com": _ANY,
    "transparencyreport.google.com": _ANY,
    "talosintelligence.com": ("/reputation_center/",),
    "urlfiltering.paloaltonetworks.com": _ANY,
    "fortiguard.com": ("/webfilter",),
    "sitereview.bluecoat.com": _ANY,
    "sitereview.symantec.com": _ANY,
    # Tickets, forms and calendars
    "zendesk.com": ("/hc/", "/agent/", "/access", "/auth/", "/requests", "/api/v2/requests"),
    "freshdesk.com": ("/support/", "/a/", "/login", "/helpdesk/"),
    "freshservice.com": ("/support/", "/a/", "/login", "/helpdesk/"),
    "incidentiq.com": _ANY,
    "happyfox.com": _ANY,
    "jitbit.com": _ANY,
    "sdpondemand.manageengine.com": _ANY,
    "atlassian.net": ("/servicedesk/", "/browse/", "/issues/", "/login"),
    "docs.google.com": ("/forms/",),
    "calendar.google.com": ("/calendar/",),
    "mail.google.com": ("/mail/",),
    "forms.office.com": _ANY,
    "outlook.office.com": _ANY,
    "outlook.office365.com": _ANY,
    "outlook.live.com": _ANY,
    "outlook.com": ("/calendar/", "/mail/", "/owa/"),
}  # fmt: skip

#: Sub-domains of Google's national domains whose pages stand at the same paths.
_OF_GOOGLE = frozenset({"www", "encrypted", "images", "news", "cse", "clients1", "suggestqueries", "consent", "ogs"})
_GOOGLE_PATHS = ("/search", "/url", "/imgres", "/complete/", "/gen_204", "/client_204", "/webhp", "/maps", "/sorry/",
                 "/async/", "/pagead/", "/ads/", "/ccm/", "/measurement/", "/recaptcha/", "/accounts/", "/preferences",
                 "/setprefs", "/s2/favicons", "/log", "/save", "/xjs/", "/cse")  # fmt: skip


def only_carries(host: str, path: str) -> bool:
    """Tell whether a canonical host and path belong to a page that never shows what its address carries."""
    beginnings = _beginnings(host)
    return beginnings is not None and path.startswith(beginnings)


@lru_cache(maxsize=16_384)
def _beginnings(host: str) -> tuple[str, ...] | None:
    if _is_google(host):
        return _GOOGLE_PATHS
    return CARRIERS[known] if (known := covering_name(host, CARRIERS)) else None


def _is_google(host: str) -> bool:
    """By its own list of domains: what else is called google.something may be anybody's."""
    google = search_hosts()["google"].hosts
    below, _, domain = host.partition(".")
    return host in google or (below in _OF_GOOGLE and domain.startswith("google.") and domain in google)
