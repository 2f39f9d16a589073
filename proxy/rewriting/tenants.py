"""Tenants: fields by which a service learns whose accounts may sign in from here.

Sources: Google Workspace ("Block access to consumer accounts"), Microsoft Entra ("Use tenant restrictions"), Dropbox
("Network control"), Slack ("Approve Slack workspaces for your network"). Not measured at the services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.rewriting_refusals import restricted
from config.rewritten_hosts import tenant_hosts
from proxy.rewriting.forced import Forced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from config.rewriting_settings import Tenants
    from config.rewritten_hosts import RewrittenHosts
    from proxy.rewriting.forced import Fields

GOOGLE = b"x-googapps-allowed-domains"
MICROSOFT = b"restrict-access-to-tenants"
CONTEXT = b"restrict-access-context"
PERSONAL = b"sec-restrict-tenant-access-policy"
DROPBOX = b"x-dropbox-allowed-team-ids"
SLACK = b"x-slack-allowed-workspaces"
REQUESTER = b"x-slack-allowed-workspaces-requester"

FIELDS = frozenset({GOOGLE, MICROSOFT, CONTEXT, PERSONAL, DROPBOX, SLACK, REQUESTER})


def rules(settings: Tenants) -> Iterator[tuple[RewrittenHosts, Forced]]:
    """What is forced on which hosts."""
    hosts, fields = tenant_hosts(), _fields(settings)
    for service in sorted(restricted(settings)):
        yield hosts[service], Forced(fields=fields[service])


def _fields(settings: Tenants) -> dict[str, Fields]:
    microsoft, slack = settings.microsoft, settings.slack
    return {
        "google": ((GOOGLE, _listed(settings.google)),),
        "microsoft": ((MICROSOFT, _listed(microsoft.tenants)), (CONTEXT, (microsoft.context or "").encode())),
        "microsoft_personal": ((PERSONAL, b"restrict-msa"),),
        "dropbox": ((DROPBOX, _listed(settings.dropbox)),),
        "slack": ((REQUESTER, (slack.requester or "").encode()), (SLACK, _listed(slack.workspaces))),
    }


def _listed(values: Iterable[str]) -> bytes:
    return ",".join(values).encode()
