import pytest

from tests.config.district import APPROVED, check_refused, settings

SCHOOLS = 'schools: {lincoln: ["10.1.0.0/16", "2001:db8:1::/48"], small: ["10.2.50.0/24"], annex: ["10.1.8.0/24"]}\n'
TABLETS = f"{{name: tablets, network: 10.1.50.0/24, {APPROVED}}}"

ROWS = [
    ("nobody answers for it", "{name: tablets, network: 10.1.50.0/24}", "networks[0].owner", "missing"),
    ("all of IPv4", f"{{name: a, network: 0.0.0.0/0, {APPROVED}}}", "networks[0].network", "wider than /22"),
    ("a whole school", f"{{name: a, network: 10.2.50.0/24, {APPROVED}}}", "networks", "more than half of 10.2.50.0/24"),
    ("a campus", f"{{name: a, network: 10.1.0.0/17, {APPROVED}}}", "networks[0].network", "wider than /22"),
    (
        "a campus of IPv6",
        f"{{name: a, network: '2001:db8::/52', {APPROVED}}}",
        "networks[0].network",
        "wider than /56",
    ),
    ("no school's", f"{{name: a, network: 10.9.0.0/24, {APPROVED}}}", "networks[0].network", "no part of a school"),
    (
        "a whole school in two halves",
        f"{{name: a, network: 10.2.50.0/25, {APPROVED}}}, {{name: b, network: 10.2.50.128/25, {APPROVED}}}",
        "networks",
        "more than half of 10.2.50.0/24",
    ),
    (
        "half a school and a bit",
        f"{{name: a, network: 10.2.50.0/25, {APPROVED}}}, {{name: b, network: 10.2.50.128/28, {APPROVED}}}",
        "networks",
        "more than half of 10.2.50.0/24",
    ),
    (
        "a campus in pieces",
        ", ".join(f"{{name: n{n}, network: 10.1.{4 * n}.0/22, {APPROVED}}}" for n in range(33)),
        "networks",
        "more than half of 10.1.0.0/16",
    ),
    (
        "a whole school that lies inside another one",
        f"{{name: a, network: 10.1.8.0/24, {APPROVED}}}",
        "networks",
        "more than half of 10.1.8.0/24",
    ),
    ("a name with a blank", f"{{name: a b, network: 10.1.50.0/24, {APPROVED}}}", "networks[0].name", "small letters"),
    ("a name that stands twice", f"{TABLETS}, {TABLETS}", "networks[1].name", "twice"),
]


@pytest.mark.parametrize(("networks", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_network_without_users_is_refused(networks: str, key: str, why: str) -> None:
    given = f"transparent: {{listen: ['0.0.0.0:8083'], networks: [{networks}]}}  # <-"
    check_refused(f"{SCHOOLS}proxy:\n  {given}\n", f"proxy.transparent.{key}", why)


LISTENERS = [
    ("a port of the proxy", f"{{listen: ['0.0.0.0:8080'], networks: [{TABLETS}]}}", "listen[0]", "taken"),
    ("a name", f"{{listen: ['localhost:80'], networks: [{TABLETS}]}}", "listen[0]", "IP address and a port"),
    ("for nobody", "{listen: ['0.0.0.0:8083']}", "listen", "nobody would be served"),
    ("nowhere", f"{{networks: [{TABLETS}]}}", "networks", "nothing listens"),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in LISTENERS], ids=[row[0] for row in LISTENERS])
def test_a_listener_is_refused(more: str, key: str, why: str) -> None:
    check_refused(f"{SCHOOLS}proxy:\n  transparent: {more}  # <-\n", f"proxy.transparent.{key}", why)


def test_metrics_take_no_port_of_it() -> None:
    transparent = f"proxy: {{transparent: {{listen: ['127.0.0.1:9109'], networks: [{TABLETS}]}}}}\n"
    check_refused(
        f"{SCHOOLS}{transparent}metrics: {{listen: '127.0.0.1:9109'}}  # <-\n", "metrics.listen", "transparent"
    )


def test_half_a_school_is_served_however_often_it_is_named() -> None:
    half = f"{{name: a, network: 10.2.50.0/25, {APPROVED}}}, {{name: b, network: 10.2.50.0/26, {APPROVED}}}"
    assert settings(f"{SCHOOLS}proxy: {{transparent: {{listen: ['0.0.0.0:8083'], networks: [{half}]}}}}\n")


def test_devices_of_a_school_are_served() -> None:
    six = f"{{name: signs, network: '2001:db8:1:5::/64', {APPROVED}}}"
    given = f"proxy: {{transparent: {{listen: ['0.0.0.0:8083', '[::]:8083'], networks: [{TABLETS}, {six}]}}}}\n"
    assert [each.name for each in settings(SCHOOLS + given).proxy.transparent.networks] == ["tablets", "signs"]
