"""The reference of the settings, rendered from the models: docs/config.md and config/default.yaml.

`python -m config.reference page` and `python -m config.reference defaults` print them; a test keeps both fresh.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from categories.taxonomy import CATEGORIES, Lock
from config.difference import NEEDS_RESTART
from config.outline import Key, Place, keys
from config.planned import KEYS, VALUES

#: What a file must say for itself, as default.yaml says it.
_REQUIRED: dict[Place, Any] = {
    ("district", "name"): "Example Unified",
    ("retention", "records"): "third-july-1",
    ("retention", "evidence"): "10y",
    ("retention", "cases"): "10y",
}
_FLOOR_LIST = """lists:
  - name: ut1
    format: ut1
    url: https://dsi.ut-capitole.fr/blacklists/download/blacklists.tar.gz
    map: {adult: pornography}
"""

_LOCKS = {
    Lock.FLOOR: "always blocked, for everyone; no setting changes that",
    Lock.RELAXABLE: "blocked; named groups may be let through, never everybody",
    Lock.BLOCKED: "blocked unless set otherwise",
    Lock.ALLOWED: "allowed and recorded unless set otherwise",
}

_PAGE = """# The district's file

One YAML file says what a district decided. `breakwater check-config --config FILE` shows everything that is wrong with
it at once, with line and key; `breakwater config apply --reason TEXT` puts it in force. An edit alone changes nothing.

This page is made from the models in `config/` by `python -m config.reference page`. Begin with
[example-district.yaml](../config/example-district.yaml); [default.yaml](../config/default.yaml) has every key at its
default; editors that know YAML schemas read [schema.json](../config/schema.json).

How it is read: UTF-8, at most 1 MiB, YAML 1.2. Only `true` and `false` are yes and no; `no`, `on`, `22:00` and `0777`
are text. Anchors, aliases, merge keys and tags are refused, and so is a key that stands twice or is not known. Paths
are taken from the folder of the file. Passwords and tokens never stand in it.

In the tables, `NAME` stands for a name that the district chooses and `[]` for each item of a list.
"""

_REFUSED = """## What no file may do

- Allow, schedule, monitor or except a category of the floor, or let it pass undecrypted.
- Relax a bypass or peer-to-peer category for everybody: only for named groups that have users.
- Monitor without a date after which the category blocks.
- Pass through, approve or open `*`, a public suffix (`co.uk`, `github.io`), a single label or a range: private networks
  lie inside private ranges and are /16 or narrower (IPv6: /48).
- Pass through, or approve a TLS tunnel to, a host whose requests have to be rewritten for `safe_search` or `tenants`.
- Except anything without owner, reason and date.
- Exempt traffic from the router's rules without an end, for the usual ports of the web, DNS, SSH, VPNs and
  peer-to-peer (media excepted: `ports`), or for destinations wider than /14 (IPv6: /32) or, all together, /12 (/25).
- Read a child-abuse list from a web address, or run without a list that maps to `pornography` (`starter_only: true`
  is for trying out).
- Serve more than half of a school's network, or one wider than /22 (IPv6: /56), without users (`proxy.transparent`).
- Let people through unnamed (`identity.required: false`), except on loopback, or leave `identity.methods` empty.
- Give a worker less than 48 MiB of the spool (`proxy.limits.spool_bytes`; `workers: auto` counts the machine's cores).
- Take passwords over plain HTTP off loopback, unless `allow_plain_basic: true` says so.
"""


def page() -> str:
    """The text of docs/config.md."""
    parts = [_PAGE, *_tables(), _categories(), _REFUSED, _restart(), _later()]
    return "\n".join(parts)


def _tables() -> list[str]:
    tables = ["## Keys\n\n| key | meaning |\n|---|---|\n" + "".join(_row(key) for key in keys() if _is_short(key))]
    for key in keys():
        if len(key.place) == 1 and key.section is not None:
            rows = "".join(_row(below) for below in keys() if below.place[0] == key.place[0])
            tables.append(f"### {key.spelled}\n\n| key | meaning |\n|---|---|\n{rows}")
    return tables


def _is_short(key: Key) -> bool:
    return len(key.place) == 1 and key.section is None


def _row(key: Key) -> str:
    return f"| `{key.spelled}` | {key.description.replace('|', chr(92) + '|')} |\n"


def _categories() -> str:
    rows = "".join(f"| `{c.id}` | {c.title} | {c.basis.value} | {_LOCKS[c.lock]} |\n" for c in CATEGORIES)
    head = "## Categories\n\nA district may add its own, with a `title`; they are allowed unless set otherwise.\n\n"
    return f"{head}| category | listed as | on whose word | what settings may do |\n|---|---|---|---|\n{rows}"


def _restart() -> str:
    rows = "".join(f"- `{'.'.join(place)}`\n" for place in NEEDS_RESTART)
    return f"## Keys that need a restart\n\nEverything else takes effect within seconds of `config apply`.\n\n{rows}"


def _later() -> str:
    named = sorted(".".join("NAME" if part == "*" else part for part in place) for place in KEYS)
    rows = "".join(f"- `{name}`\n" for name in named)
    for key, values in VALUES.items():
        rows += f"- `{key}`: {', '.join(f'`{value}`' for value in sorted(values))}\n"
    return f"## Not built yet\n\nRefused, never accepted and ignored:\n\n{rows}"


def defaults() -> str:
    """The text of config/default.yaml."""
    head = (
        "# Every key at its default; district.name, retention and lists have none and must be given.\n"
        "# Made by `python -m config.reference defaults`. Copy example-district.yaml rather than this file.\n\n"
    )
    return head + "".join(_default(key) for key in keys() if "*" not in key.place)


def _default(key: Key) -> str:
    indent, name = "  " * (len(key.place) - 1), key.place[-1]
    about = f"{indent}# {key.description}\n"
    if key.place == ("lists",):
        return about + _FLOOR_LIST
    if key.section is not None and (key.required or isinstance(key.default, BaseModel)):
        return f"{about}{indent}{'' if _is_shown(key) else '# '}{name}:\n"
    value = _REQUIRED[key.place] if key.required else key.default
    return f"{about}{indent}# {name}:\n" if value is None else f"{about}{indent}{name}: {_plain(value)}\n"


def _is_shown(section: Key) -> bool:
    """True when at least one key of the section is written, not just named in a comment."""
    below = [key for key in keys() if key.place[:-1] == section.place]
    return any(key.required or key.default is not None for key in below)


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel | tuple | dict):
        return json.dumps(_jsonable(value))
    if isinstance(value, Path | str):
        return str(value)
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, tuple):
        return [_jsonable(item) for item in value]
    return value


if __name__ == "__main__":
    sys.stdout.write({"page": page, "defaults": defaults}[sys.argv[1]]())
