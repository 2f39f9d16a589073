from config.category_settings import Group
from config.download_refusals import downloads
from config.download_settings import Downloads
from tests.config.district import check_refused


def test_a_group_that_nobody_made() -> None:
    more = "groups: {tech: {users: [a]}}\ndownloads: {except_groups: [teck]}  # <-\n"
    check_refused(more, "downloads.except_groups[0]", 'did you mean "tech"?')


def test_exceptions_from_nothing() -> None:
    refused = list(downloads(Downloads(action="allow", except_groups=("tech",)), {"tech": Group()}))
    assert [refusal.at for refusal in refused] == [("except_groups",)]


def test_groups_that_could_not_be_read_are_no_second_problem() -> None:
    assert list(downloads(Downloads(except_groups=("tech",)), None)) == []
