"""What every full page carries: the district's name, that use is logged, where help is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from proxy.pages.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the pages need of the district's file."""

    name: str
    policy_url: str
    public_name: str  # host (and port, where it is not 80) at which proxy/public_pages.py answers
    node: str
    timezone: str = "UTC"  # IANA name
    help_desk_email: str | None = None
    help_desk_phone: str | None = None
    clauses: Mapping[str, str] = field(default_factory=dict)  # "filter", "p2p", "monitoring": where the policy says so

    @property
    def policy_link(self) -> str:
        """The policy's address, empty when it is none that a page may link to."""
        return self.policy_url if self.policy_url.startswith(("https://", "http://")) else ""


def frame(settings: PageSettings, language: str) -> dict[str, Any]:
    """The values of layout.html that are the same on every page of a language."""
    texts = catalogue(language)
    link = Markup('<a href="tel:988">{}</a>').format(texts["crisis_link"])
    return {
        "t": texts,
        "language": language,
        "name": settings.name,
        "node": settings.node,
        "monitoring": settings.clauses.get("monitoring"),
        "crisis": Markup(texts["crisis"]).format(link=link),  # noqa: S704 - the text is our own
        "policy_url": settings.policy_link,
        "about_url": f"http://{settings.public_name}/",
    }
