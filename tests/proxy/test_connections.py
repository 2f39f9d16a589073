from __future__ import annotations

from proxy.connections import Connections


class Connection:
    def __init__(self, client, idle=True):
        self.client = client
        self.idle = idle
        self.closed = False

    def close(self):
        self.closed = True


def test_one_client_may_not_hold_more_than_its_share():
    connections = Connections(per_client=2, total=10)
    first, second, third, other = (Connection(client) for client in ("a", "a", "a", "b"))
    assert [connections.admit(each) for each in (first, second, third, other)] == [True, True, False, True]
    connections.forget(first)
    connections.forget(first)
    assert connections.admit(third)
    assert len(connections) == 3


def test_all_clients_together_may_not_hold_more_than_the_total():
    connections = Connections(per_client=2, total=2)
    assert [connections.admit(Connection(str(number))) for number in range(3)] == [True, True, False]


def test_only_what_has_waited_for_a_head_is_closed_at_a_drain():
    connections = Connections(2, 2)
    idle, busy = Connection("a"), Connection("b", idle=False)
    connections.admit(idle)
    connections.admit(busy)
    connections.close_idle(60)
    assert (idle.closed, busy.closed) == (False, False)
    connections.close_idle(0)
    assert (idle.closed, busy.closed) == (True, False)
