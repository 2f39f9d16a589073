"""The district's file as pydantic models: the reference of every setting. Reading the file is load.py's business.

Rules that join several keys stand in field validators that see the keys before them, so the order of the fields
matters; what each rule refuses stands in refusals.py and category_refusals.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, Strict, ValidationInfo, field_validator

from categories.taxonomy import TAXONOMY, Basis, Category, Lock
from config import (
    category_refusals,
    download_refusals,
    firewall_refusals,
    listener_refusals,
    rewriting_refusals,
    transparent_refusals,
)
from config.attempt_settings import Attempts
from config.category_settings import CategoryRule, Group
from config.download_settings import Downloads
from config.fields import CLOSED, AbsolutePath, CategoryId, Flag, Name, Network, SocketAddress, Text, Url, named
from config.firewall_settings import Firewall
from config.gathering import gather, raise_all
from config.hours import parse_hours
from config.list_settings import ListSource, ListUpdates
from config.planned import DATABASES, METHODS
from config.problems import shown
from config.proxy_settings import Proxy
from config.refusals import Refusal
from config.rewriting_settings import SafeSearch, Tenants


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{shown(text)}: no time zone of this machine; write one such as America/Los_Angeles"
        ) from None
    return text


def _hours(text: str) -> str:
    parse_hours(text)
    return text


def _database(text: str) -> str:
    if text.partition(":")[0] in DATABASES:
        raise ValueError("PostgreSQL is not built yet in this version; write sqlite")
    if text != "sqlite":
        raise ValueError("write sqlite")
    return text


def _method(text: str) -> str:
    if text in METHODS:
        raise ValueError(f"{text}: not built yet in this version; use local")
    if text != "local":
        raise ValueError(f"{shown(text)}: no method of this version; use local")
    return text


def _state_dir(path: Path) -> Path:
    if path == Path(path.anchor):
        raise ValueError("the root of the file system cannot be the state folder")
    return path


DEFAULT_STATE_DIR = Path("/var/lib/breakwater")
StateDir = Annotated[AbsolutePath, AfterValidator(_state_dir)]
Kept = Annotated[
    str,
    Strict(),
    AfterValidator(
        named(r"third-july-1|[1-9][0-9]{0,4}d|[1-9][0-9]?y", 'write third-july-1, days ("90d") or years ("10y")')
    ),
]
Email = Annotated[
    str, Strict(), AfterValidator(named(r"[^@\s<>\"']{1,64}@[A-Za-z0-9.-]{1,253}", "write an e-mail address"))
]


class HelpDesk(BaseModel):
    """Whom staff may ask; shown on every block page."""

    model_config = CLOSED

    email: Email | None = Field(default=None, description="E-mail address. None by default.")
    phone: Text | None = Field(default=None, description='Telephone, in quotes: "209 555 0100". None by default.')


class Clauses(BaseModel):
    """The clauses of the district's policy that pages and reports cite."""

    model_config = CLOSED

    filter: Text | None = Field(default=None, description="On filtering. None by default.")
    p2p: Text | None = Field(default=None, description="On peer-to-peer file sharing. None by default.")
    monitoring: Text | None = Field(default=None, description="On monitoring. None by default.")


class District(BaseModel):
    """Who the district is, as pages and reports say it."""

    model_config = CLOSED

    name: Text = Field(description="Its name. Required.")
    policy_url: Url | None = Field(default=None, description="Where everybody can read the policy. None by default.")
    help_desk: HelpDesk = Field(default=HelpDesk(), description="Whom staff may ask.")
    timezone: Annotated[str, Strict(), AfterValidator(_time_zone)] = Field(
        default="UTC", description="Time zone of hours and reports; records are in UTC. Default UTC."
    )
    clauses: Clauses = Field(default=Clauses(), description="Clauses of the policy.")


class Retention(BaseModel):
    """How long things are kept. The district chooses, so there is no default."""

    model_config = CLOSED

    records: Kept = Field(description='The usage log: third-july-1, days ("90d") or years ("10y"). Required.')
    evidence: Kept = Field(
        description="Settings, list versions, decisions, checks: same form. Nothing is deleted by it in this version. "
        "Required."
    )
    cases: Kept = Field(
        description="Approved individual searches: same form. Nothing is deleted by it in this version. Required."
    )


class Identity(BaseModel):
    """How people say who they are."""

    model_config = CLOSED

    required: Flag = Field(
        default=True, description="Nothing is reached without an account; false only on loopback. Default true."
    )
    methods: tuple[Annotated[str, Strict(), AfterValidator(_method)], ...] = Field(
        default=("local",), description="local: accounts kept here. Default [local]."
    )


class Metrics(BaseModel):
    """Figures for Prometheus."""

    model_config = CLOSED

    listen: SocketAddress = Field(default="127.0.0.1:9109", description="IP address and port. Default 127.0.0.1:9109.")


class Settings(BaseModel):
    """Everything that the district decided."""

    model_config = CLOSED

    district: District = Field(description="Who the district is. Required.")
    schools: Mapping[Name, tuple[Network, ...]] = Field(
        default_factory=dict, description='School -> its client networks: ["10.1.0.0/16"]. None by default.'
    )
    state_dir: StateDir = Field(
        default=DEFAULT_STATE_DIR,
        description="Folder of index, spool, day files and authority, mode 0700, from the folder of this file. "
        "Default /var/lib/breakwater.",
    )
    database: Annotated[str, Strict(), AfterValidator(_database)] = Field(
        default="sqlite", description="sqlite. Default sqlite."
    )
    retention: Retention = Field(description="How long things are kept. Required.")
    hours: Mapping[Name, Annotated[str, Strict(), AfterValidator(_hours)]] = Field(
        default_factory=dict,
        description='Name -> hours in the district\'s time zone: "Mon-Fri 07:30-16:00", several joined by ";". '
        "None by default.",
    )
    groups: Mapping[Name, Group] = Field(default_factory=dict, description="Name -> people. None by default.")
    categories: Mapping[CategoryId, CategoryRule] = Field(
        default_factory=dict,
        description="Category -> what happens to it, where that is not our default. None by default.",
    )
    starter_only: Flag = Field(
        default=False, description="Run on our small starter lists alone (the demo). Default false."
    )
    lists: tuple[ListSource, ...] = Field(
        default=(),
        validate_default=True,
        description="Lists of addresses; one must map to pornography unless starter_only is true. None by default.",
    )
    list_updates: ListUpdates = Field(default=ListUpdates(), description="How the lists are kept current.")
    safe_search: SafeSearch = Field(
        default=SafeSearch(), description="What search engines and YouTube have to leave out. On by default."
    )
    tenants: Tenants = Field(
        default=Tenants(), description="Whose accounts may be used at shared services. Everybody's by default."
    )
    downloads: Downloads = Field(default=Downloads(), description="Programs are blocked by default.")
    proxy: Proxy = Field(default=Proxy(), description="The proxy.")
    identity: Identity = Field(default=Identity(), validate_default=True, description="How people say who they are.")
    record_search_terms: Flag = Field(
        default=False,
        description="The usage log keeps what people search for, read within an approved case alone. Default false.",
    )
    attempts: Attempts = Field(
        default=Attempts(), description="When somebody's blocked pages raise an alert. It is an alert, nothing more."
    )
    metrics: Metrics = Field(default=Metrics(), validate_default=True, description="Figures for Prometheus.")
    firewall: Firewall = Field(
        default=Firewall(), description="The network around the filter, for `breakwater firewall`."
    )

    @field_validator("schools")
    @classmethod
    def _one_school_a_network(cls, value: Mapping[str, tuple[Network, ...]]) -> Mapping[str, tuple[Network, ...]]:
        raise_all(category_refusals.schools(value))
        return value

    @field_validator("groups", mode="wrap")
    @classmethod
    def _groups(cls, value: Any, handler: Callable[[Any], Any]) -> Any:
        return gather(value, handler, category_refusals.groups)

    @field_validator("categories", mode="wrap")
    @classmethod
    def _categories(cls, value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
        groups, hours = info.data.get("groups"), info.data.get("hours")
        return gather(value, handler, lambda rules: category_refusals.categories(rules, groups, hours))

    @field_validator("lists", mode="wrap")
    @classmethod
    def _lists(cls, value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
        starter_only = info.data.get("starter_only", True)  # where it is misspelt, that is the problem to show
        return gather(value, handler, lambda lists: category_refusals.lists(lists, starter_only, _known(info)))

    @field_validator("tenants")
    @classmethod
    def _tenants(cls, value: Tenants) -> Tenants:
        raise_all(rewriting_refusals.tenants(value))
        return value

    @field_validator("downloads")
    @classmethod
    def _downloads(cls, value: Downloads, info: ValidationInfo) -> Downloads:
        raise_all(download_refusals.downloads(value, info.data.get("groups")))
        return value

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: Proxy, info: ValidationInfo) -> Proxy:
        raise_all(listener_refusals.proxy(value, _known(info)))
        if "schools" in info.data:
            found = transparent_refusals.transparent(value.transparent, info.data["schools"])
            raise_all(Refusal(("transparent", *each.at), each.message) for each in found)
        if "safe_search" in info.data and "tenants" in info.data:
            raise_all(rewriting_refusals.unopened(value, info.data["safe_search"], info.data["tenants"]))
        return value

    @field_validator("identity")
    @classmethod
    def _identity(cls, value: Identity, info: ValidationInfo) -> Identity:
        if "proxy" in info.data:
            raise_all(listener_refusals.identity(value, info.data["proxy"]))
        return value

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, value: Metrics, info: ValidationInfo) -> Metrics:
        if "proxy" in info.data:
            raise_all(listener_refusals.metrics(value, info.data["proxy"]))
        return value

    @field_validator("firewall")
    @classmethod
    def _firewall(cls, value: Firewall, info: ValidationInfo) -> Firewall:
        if "schools" in info.data:
            raise_all(firewall_refusals.firewall(value, info.data["schools"]))
        return value

    @property
    def taxonomy(self) -> Mapping[str, Category]:
        """Every category there is, by id: those of DESIGN.md and those that the district added."""
        added = {
            id_: Category(id_, rule.title or id_, Basis.DISTRICT_POLICY, Lock.ALLOWED)
            for id_, rule in self.categories.items()
            if id_ not in TAXONOMY
        }
        return TAXONOMY | added


def _known(info: ValidationInfo) -> frozenset[str] | None:
    rules = info.data.get("categories")
    return None if rules is None else category_refusals.known_categories(rules)
