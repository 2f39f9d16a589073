import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import SettingsRefused, folder_of, load, loads, state_dir_of
from config.problems import SettingsUnreadable
from config.settings import DEFAULT_STATE_DIR, Settings
from config.yaml_tree import FILE_CAP
from tests.config.district import BASE, SOUND, TODAY, refused, settings

ROOT = Path(__file__).parents[2]
MANY = """distict: {}
district: {name: 7, help_desk: {phone: 2095550100}, timezone: Mars/X}
retention: {records: 90, evidence: third-july-1}
starter_only: no
categories:
  pornography: allow
  games: blok
proxy:
  listen: [8080]
  passthrough: ["*"]
  limits: {head_seconds: 0}
retention: {}
lists: 5
"""


@pytest.mark.parametrize("name", ["example-district.yaml", "demo-district.yaml", "default.yaml"])
def test_shipped_files_are_sound(name: str) -> None:
    assert load(ROOT / "config" / name)


def test_the_demo_listens_on_loopback_and_keeps_its_state_out_of_the_repository() -> None:
    demo = load(ROOT / "config" / "demo-district.yaml")
    assert demo.starter_only
    assert all(listener.ip.is_loopback for listener in demo.proxy.listen)
    assert demo.state_dir == ROOT / "demo"
    assert "/demo/" in (ROOT / ".gitignore").read_text().split()


def test_all_problems_at_once_in_the_order_of_the_lines() -> None:
    problems = refused(MANY, start="")
    assert [(p.line, p.key) for p in problems] == [
        (1, "distict"),
        (2, "district.help_desk.phone"),
        (2, "district.name"),
        (2, "district.timezone"),
        (3, "retention.cases"),
        (3, "retention.records"),
        (4, "starter_only"),
        (6, "categories.pornography"),
        (7, "categories.games.action"),
        (9, "proxy.listen[0]"),
        (10, "proxy.passthrough[0].host"),
        (10, "proxy.passthrough[0].owner"),
        (10, "proxy.passthrough[0].reason"),
        (10, "proxy.passthrough[0].since"),
        (11, "proxy.limits.head_seconds"),
        (12, "retention"),
        (13, "lists"),
    ]
    assert str(problems[0]) == 'district.yaml:1: distict: unknown key; did you mean "district"?'


def test_a_file_of_mistakes_is_not_answered_with_a_book() -> None:
    problems = refused("".join(f"k{number}: 1\n" for number in range(5000)))
    assert len(problems) == 101
    assert problems[-1].message == "and at least 4900 more problems"


PATHS = [
    ("beside the file", "lists/mine.txt", "/etc/breakwater/lists/mine.txt"),
    ("above the file", "../mine.txt", "/etc/mine.txt"),
    ("absolute", "/srv/mine.txt", "/srv/mine.txt"),
]


@pytest.mark.parametrize(("written", "meant"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_paths_are_taken_from_the_folder_of_the_file(written: str, meant: str) -> None:
    tls = f"{{cert_file: {written}, key_file: {written}}}"
    found = settings(
        f"state_dir: {written}\n"
        f"lists: [{{name: a, format: domains, path: {written}, category: games}}]\n"
        f"proxy: {{extra_trust: [{written}], listen: [{{address: '127.0.0.1:1', tls: {tls}}}]}}\n"
    )
    listener = found.proxy.listen[0]
    assert listener.tls
    named = {found.state_dir, found.lists[0].path, *found.proxy.extra_trust, listener.tls.cert_file}
    assert named == {Path(meant)}


UNREAD = [
    ("missing", None, "No such file"),
    ("a list", b"- a\n", "holds no keys"),
    ("too large", b"#" * (FILE_CAP + 1), "larger than"),
    ("not UTF-8", b"\xff", "UTF-8"),
]


@pytest.mark.parametrize(("data", "why"), [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD])
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes | None, why: str) -> None:
    path = tmp_path / "district.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SettingsRefused) as caught:
        load(path)
    assert why in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_or_a_nul_in_the_name_is_refused_on_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, Path("a\0b")):
        with pytest.raises(SettingsRefused, match="cannot be read"):
            load(path)


STATE_DIRS = [
    ("a sound file", SOUND + "state_dir: here\n", "here"),
    ("not given", SOUND, str(DEFAULT_STATE_DIR)),
    ("broken rules elsewhere", "state_dir: here\nnonsense: [1]\n", "here"),
    ("broken YAML below", "state_dir: here\nproxy: [\n", "here"),
    ("broken YAML above", "proxy: [\nstate_dir: /srv/x\n", "/srv/x"),
    ("quoted, with a remark", "proxy: ]\nstate_dir: 'a b'  # ours\n", "a b"),
]


@pytest.mark.parametrize(("text", "meant"), [row[1:] for row in STATE_DIRS], ids=[row[0] for row in STATE_DIRS])
def test_the_state_folder_is_found_in_a_broken_file(tmp_path: Path, text: str, meant: str) -> None:
    path = tmp_path / "district.yaml"
    path.write_text(text)
    assert state_dir_of(path) == tmp_path / meant


UNKNOWN_STATE_DIRS = ["[", "7", "/", "a\nstate_dir: b", "a\nproxy: [\nstate_dir: b", "a\\\0\nproxy: ["]


@pytest.mark.parametrize("text", [f"state_dir: {value}\n" for value in UNKNOWN_STATE_DIRS] + ["proxy: ["])
def test_a_state_folder_that_nobody_can_tell_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "district.yaml"
    path.write_text(text)
    with pytest.raises(SettingsRefused, match="state_dir"):
        state_dir_of(path)


def test_the_folder_is_where_the_file_is_named_not_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "d.yaml").write_text(SOUND)
    (tmp_path / "d.yaml").symlink_to("real/d.yaml")
    assert folder_of(tmp_path / "d.yaml") == tmp_path


def lines_of(read: Callable[[], object]) -> list[str]:
    """What is said about a file, nothing where it is sound. Any other exception fails the test."""
    try:
        read()
    except SettingsRefused as refusal:
        return [str(problem) for problem in refusal.problems] or ["refused without a problem\0"]
    return []


@given(st.binary(max_size=300))
def test_any_bytes_are_settings_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    assert all(line.isprintable() for line in lines_of(lambda: load(path)) + lines_of(lambda: state_dir_of(path)))


KEYS = [*sorted(Settings.model_fields), "safe_search", "x", "[key]", "listen", "allow", "host", "url", "map", "action"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["block", "*", "co.uk", "a/b"])
)
NAMES = st.sampled_from(KEYS) | st.text()
VALUES = st.recursive(LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4))


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_any_values_are_settings_or_refused(values: dict[str, object]) -> None:
    text = SOUND + "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in values.items())
    assert all(line.isprintable() for line in lines_of(lambda: loads(text, "any.yaml", BASE, TODAY)))


def test_text_with_half_a_surrogate_is_refused() -> None:
    assert refused("groups: {a: {users: [\ud800]}}")


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            with pytest.raises(SettingsRefused, match="cannot be read"):
                load(Path("/etc/shadow"))
        finally:
            os.seteuid(0)
    else:
        path = tmp_path / "d.yaml"
        path.touch(mode=0)
        with pytest.raises(SettingsRefused, match="cannot be read"):
            load(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsUnreadable, match="cannot be read: it is not a regular file; name the district's file"):
        load(tmp_path / "pipe")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadable, match="No such file or directory; name the district's file with --config"):
        load(tmp_path / "none.yaml")
