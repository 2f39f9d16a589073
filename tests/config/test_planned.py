import pytest

from config.outline import names_at
from config.planned import KEYS, VALUES
from tests.config.district import SOUND, check_refused

WRITTEN = {
    "database": "database: '{}'  # <-\n",
    "identity.methods": "identity: {{methods: [{}]}}  # <-\n",
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in VALUES.items() for value in sorted(values)], ids=str
)
def test_a_planned_value_is_refused_as_such(key: str, value: str) -> None:
    check_refused(WRITTEN[key].format(value), key, "not built yet")


@pytest.mark.parametrize("place", sorted(KEYS), ids=".".join)
def test_a_planned_key_is_refused_as_such_and_is_no_key_of_the_models(place: tuple[str, ...]) -> None:
    start, text = SOUND, "1  # <-"
    for part in reversed(place):
        text = f"{{{part.replace('*', 'any')}: {text}}}" if part != place[0] else f"{part}: {text}\n"
    text = text.replace("1  # <-}}", "1}}  # <-")
    check_refused(text, place[-1], "not built yet", start)
    assert place[-1] not in names_at(place[:-1])
