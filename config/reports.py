"""What `check-config` and `config apply|history|rollback` print: lines for people, values for --json."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from config.problems import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.difference import Change
    from config.problems import Problem
    from config.revisions import Applied, Past
    from config.settings import Settings

_VALUE_CAP = 120
_LONG_MONITOR = timedelta(days=366)


def summary(settings: Settings) -> dict[str, Any]:
    """What a sound file says, in brief, as JSON values."""
    proxy = settings.proxy
    return {
        "district": settings.district.name,
        "state_dir": str(settings.state_dir),
        "listen": [f"{'https' if listener.tls else 'http'}://{listener.address}" for listener in proxy.listen],
        "identity": list(settings.identity.methods) if settings.identity.required else [],
        "lists": [{"name": source.name, "categories": sorted(source.categories)} for source in settings.lists],
        "starter_only": settings.starter_only,
        "categories": {id_: rule.action for id_, rule in settings.categories.items()},
        "approvals": len(proxy.passthrough)
        + len(proxy.private_networks.allow)
        + len(proxy.approved_addresses)
        + len(proxy.approved_tunnels),
    }


def summary_lines(settings: Settings) -> list[str]:
    """What a sound file says, for people."""
    said = summary(settings)
    lists = ", ".join(f"{item['name']} ({len(item['categories'])} categories)" for item in said["lists"])
    categories = ", ".join(f"{id_} {action}" for id_, action in said["categories"].items())
    return [
        f"district:    {said['district']}",
        f"state:       {said['state_dir']}",
        f"listens on:  {', '.join(said['listen'])}",
        f"identity:    {', '.join(said['identity']) or 'not required'}",
        f"lists:       {lists or 'none'}{' (starter lists hold the floor)' if said['starter_only'] else ''}",
        f"categories:  {categories or 'our defaults'}",
        f"approvals:   {said['approvals']}, each with owner, reason and date",
    ]


def warnings(settings: Settings, today: date) -> tuple[str, ...]:
    """What is allowed, and should be known. `today` in the district's time zone."""
    return tuple(_warnings(settings, today))


def _warnings(settings: Settings, today: date) -> Iterator[str]:
    if settings.starter_only:
        yield "starter_only: our small starter lists hold the floor; a district needs a list that maps to pornography"
    for listener in settings.proxy.listen:
        if settings.identity.methods and listener.tls is None and not listener.ip.is_loopback:
            yield f"proxy.listen: passwords cross the network readable at {listener.address}"
    if not settings.identity.required:
        yield "identity.required: nobody has to say who they are; records name nobody"
    yield from _dates(settings, today)
    if not (settings.district.help_desk.email or settings.district.help_desk.phone):
        yield "district.help_desk: block pages name nobody to ask"
    if settings.district.policy_url is None:
        yield "district.policy_url: block pages cannot say where the policy is"


def _dates(settings: Settings, today: date) -> Iterator[str]:
    for id_, rule in settings.categories.items():
        if rule.until and rule.until < today:
            yield f"categories.{id_}: monitor ended on {rule.until}; the category blocks now"
        elif rule.until and rule.until - today > _LONG_MONITOR:
            yield f"categories.{id_}: monitor runs until {rule.until}, more than a year from now"
    for exemption in settings.firewall.exemptions:
        if exemption.until < today:
            yield f"firewall.exemptions.{exemption.name}: ended on {exemption.until}; it is left out of the rules"
    yield from _searches(settings)


def _searches(settings: Settings) -> Iterator[str]:
    if settings.record_search_terms:
        yield "record_search_terms: the usage log keeps what people search for; tell them"
    for engine, grade in settings.safe_search:
        if grade == "off":
            yield f"safe_search.{engine}: off; what it finds is shown as people set it"


def missing_files(settings: Settings) -> tuple[str, ...]:
    """Files that the settings name and that are not there. It looks at the disk."""
    named = [(f"lists.{source.name}.path", source.path) for source in settings.lists if source.path]
    for listener in settings.proxy.listen:
        if listener.tls:
            named += [("proxy.listen.tls.cert_file", listener.tls.cert_file)]
            named += [("proxy.listen.tls.key_file", listener.tls.key_file)]
    named += [("proxy.extra_trust", path) for path in settings.proxy.extra_trust]
    return tuple(f"{key}: {path} is not there" for key, path in named if not path.exists())


def unusable_state(settings: Settings) -> tuple[str, ...]:
    """Why state_dir cannot be a folder, where a file stands in its way. It looks at the disk."""
    folder = settings.state_dir
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if there.is_dir():
        return ()
    return (f"state_dir: {there} is not a folder; name another state_dir, or move it away",)


def problems_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """What is wrong with a file, as JSON values."""
    return [{"file": p.file, "line": p.line, "key": p.key, "message": p.message} for p in problems]


def difference_lines(changes: Sequence[Change]) -> list[str]:
    """One line a key: + new, - gone, ~ changed."""
    if not changes:
        return ["no difference"]
    lines = [_change(change) for change in changes]
    if any(change.needs_restart for change in changes):
        lines.append("(restart) takes effect at the next start of breakwater run")
    return lines


def _change(change: Change) -> str:
    mark = " (restart)" if change.needs_restart else ""
    before, after = (_value(_told(change.key, value)) for value in (change.before, change.after))
    if change.before is None:
        return f"+ {change.key}: {after}{mark}"
    if change.after is None:
        return f"- {change.key}: {before}{mark}"
    return f"~ {change.key}: {before} -> {after}{mark}"


def _told(key: str, value: Any) -> Any:
    """A value as it may be shown: an address may hold a subscription's key in its query, so that is left out."""
    if key.endswith(".url") and isinstance(value, str) and "?" in value:
        return f"{value.partition('?')[0]}?…"
    return value


def _value(value: Any) -> str:
    text = one_line(value if isinstance(value, str) else str(value).replace("'", '"'))
    return text if len(text) <= _VALUE_CAP else f"{text[:_VALUE_CAP]}…"


def difference_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The difference as JSON values."""
    return [
        {
            "key": change.key,
            "before": _told(change.key, change.before),
            "after": _told(change.key, change.after),
            "needs_restart": change.needs_restart,
        }
        for change in changes
    ]


def applied_json(applied: Applied) -> dict[str, Any]:
    """What was put in force, as JSON values."""
    return {
        "revision": applied.revision,
        "time": applied.time.isoformat(),
        "author": applied.author,
        "reason": applied.reason,
        "source": applied.source,
        "digest": applied.digest,
    }


def history_lines(past: Sequence[Past]) -> list[str]:
    """One line a revision, the newest first; * marks the one in force."""
    return [_past(line) for line in reversed(past)] or ["nothing was applied yet"]


def _past(line: Past) -> str:
    mark = "*" if line.in_force else " "
    if line.entry is None:
        return f"{mark} {line.revision:>4}  NOT AS IT WAS WRITTEN: {line.trouble}"
    entry = line.entry
    trouble = f"  ({line.trouble.upper()})" if line.trouble else ""
    when = entry.time.strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{mark} {line.revision:>4}  {when}  {one_line(entry.author)}: {one_line(entry.reason)}{trouble}"


def history_json(past: Sequence[Past]) -> list[dict[str, Any]]:
    """The history as JSON values, oldest first; what cannot be trusted is not repeated."""
    return [
        {
            "revision": line.revision,
            "in_force": line.in_force,
            "trouble": line.trouble,
            "time": line.entry.time.isoformat() if line.entry else None,
            "author": line.entry.author if line.entry else None,
            "reason": line.entry.reason if line.entry else None,
            "source": line.entry.source if line.entry else None,
            "digest": line.entry.digest if line.entry else None,
        }
        for line in past
    ]
