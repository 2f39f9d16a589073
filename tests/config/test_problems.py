from config.problems import Problem, SettingsRefused, one_line, shown


def test_a_problem_is_one_line_with_its_place() -> None:
    assert str(Problem("d.yaml", 3, "lists[0].url", "bad")) == "d.yaml:3: lists[0].url: bad"
    assert str(Problem("d.yaml", 1, "", "not UTF-8")) == "d.yaml:1: not UTF-8"
    assert str(Problem("d.yaml", 0, "", "cannot be read")) == "d.yaml: cannot be read"
    assert str(Problem("a\nb\x1b", 1, "", "x")) == "a\\nb\\x1b:1: x"


def test_a_refusal_is_one_line_a_problem() -> None:
    problems = (Problem("d", 1, "a", "x"), Problem("d", 2, "b", "y"))
    assert str(SettingsRefused(problems)).splitlines() == ["d:1: a: x", "d:2: b: y"]


def test_values_are_shown_on_one_line_and_cut() -> None:
    assert shown("a\nb") == '"a\\nb"'
    assert shown(7) == "7"
    assert len(shown("x" * 1_000_000)) == 61
    assert len(shown(list(range(1000)))) == 61
    assert one_line("ä b") == "ä b"
