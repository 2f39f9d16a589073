"""What no settings file may do with the transparent listener (invariants 3 and 4), as pure functions.

Whoever comes through it is nobody in particular: MCS "Discipline" 2 reads an account as the person, so networks of
named devices may do without one, a school may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.refusals import Network, Refusal, inside, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from config.transparent_settings import Transparent

#: Widest network without users, in bits of prefix: a thousand devices.
WIDEST_V4 = 22
WIDEST_V6 = 56


def network(given: Network) -> str | None:
    """Why this network may not be served without users."""
    widest = WIDEST_V4 if given.version == 4 else WIDEST_V6
    if given.prefixlen < widest:
        return f"{given} is wider than /{widest}; name the networks of the devices"
    return None


def transparent(settings: Transparent, schools: Mapping[str, tuple[Network, ...]]) -> Iterator[Refusal]:
    """Networks that are in no school, or most of one; names that stand twice; one half without the other."""
    networks = [each for given in schools.values() for each in given]
    for number, served in enumerate(settings.networks):
        at = ("networks", number)
        if not any(inside(served.network, each) for each in networks):
            why = f"{served.network} is no part of a school's network; name one that is"
            yield Refusal((*at, "network"), why)
        if served.name in (each.name for each in settings.networks[:number]):
            yield Refusal((*at, "name"), f"{served.name} stands there twice")
    yield from _shares([each.network for each in settings.networks], networks)
    if settings.listen and not settings.networks:
        yield Refusal(("listen",), "nobody would be served; name networks as well")
    if settings.networks and not settings.listen:
        yield Refusal(("networks",), "nothing listens for them; name listen as well")


def _shares(served: Sequence[Network], schools: Iterable[Network]) -> Iterator[Refusal]:
    """Schools that are mostly served, in however many pieces."""
    pieces = merged(served)
    for school in schools:
        inner = sum(each.num_addresses for each in pieces if inside(each, school))
        if inner * 2 > school.num_addresses or any(inside(school, each) for each in pieces):
            yield Refusal(
                ("networks",), f"serve more than half of {school}; people there have to say who they are: name less"
            )


def again(settings: Transparent) -> Iterator[Refusal]:
    """The refusals of the items by themselves, for settings that are finished."""
    for number, served in enumerate(settings.networks):
        if why := network(served.network):
            yield Refusal(("networks", number, "network"), why)
