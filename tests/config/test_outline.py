from config.outline import Place, keys, names_at, place_of
from config.settings import Settings


def test_the_outline_has_every_key_of_every_model() -> None:
    assert {key.place[0] for key in keys()} == set(Settings.model_fields)
    for section in keys():
        below = {key.place[-1] for key in keys() if tuple(_without_stars(key.place[:-1])) == section.place}
        if section.section is not None and "*" not in section.place:
            assert set(section.section.model_fields) == below, section.spelled


def _without_stars(place: Place) -> Place:
    return tuple(part for part in place if part != "*")


def test_names_that_a_district_chose_become_stars() -> None:
    assert place_of(("lists", 3, "white", "sexual_education", "owner")) == ("lists", "*", "white", "*", "owner")
    assert place_of(("groups", "users", "ldap")) == ("groups", "*", "ldap")
    assert place_of(("proxy", "limits", "x")) == ("proxy", "limits", "x")
    assert place_of(()) == ()


def test_names_at_a_place() -> None:
    assert names_at(("proxy", "listen", "*")) == ("address", "tls", "allow_plain_basic")
    assert names_at(("groups",)) == ()
    assert names_at(("no", "such")) == ()


def test_every_description_tells_the_default_and_whether_it_is_required() -> None:
    for key in keys():
        if key.section is None:
            assert ("Required." in key.description) is key.required, key.spelled
            told = any(word in key.description for word in ("efault", "Required.", "must stay empty"))
            assert told, f"{key.spelled}: {key.description}"


def test_defaults_in_words_are_the_defaults() -> None:
    for key in keys():
        _, said, words = key.description.rpartition("Default ")
        if said:
            shown = str(list(key.default) if isinstance(key.default, tuple) else key.default)
            plain = shown.replace("'", "").lower().removesuffix(".0")
            known = {
                "20 gib": str(20 * 1024**3),
                "2 gib": str(2 * 1024**3),
                "4 gib": str(4 * 1024**3),
                "16 mib": str(16 * 1024**2),
                '["127.0.0.1:8080"]': "[listener(address=127.0.0.1:8080",
            }
            expected = words.removesuffix(".").lower()
            assert plain.startswith(known.get(expected, expected)) or str(key.default) in words, key.spelled
        elif "None by default" in key.description or "Empty by default" in key.description:
            assert not key.default or not any(key.default.model_dump().values()), key.spelled


def test_figures_carry_their_unit() -> None:
    for key in keys():
        name = key.place[-1]
        for unit in ("seconds", "bytes"):
            if name.endswith(f"_{unit}"):
                assert f"{unit}" in key.description, key.spelled
