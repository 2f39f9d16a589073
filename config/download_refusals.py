"""What the settings of downloads may not say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.refusals import Refusal, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.category_settings import Group
    from config.download_settings import Downloads


def downloads(rule: Downloads, named: Mapping[str, Group] | None) -> Iterator[Refusal]:
    """Exceptions from nothing, and groups that nobody is in. `named` is None where the groups could not be read."""
    if rule.action == "allow" and rule.except_groups:
        yield Refusal(("except_groups",), "except_groups goes with action: block: it names who is let through")
    if named is not None:
        for place, name in enumerate(rule.except_groups):
            if name not in named:
                yield Refusal(("except_groups", place), f'groups has no "{name}"{did_you_mean(name, named)}')
