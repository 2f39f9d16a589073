from config.evasion_ports import NEVER_EXEMPT, PEER_TO_PEER


def test_every_range_is_sound_and_named_once() -> None:
    taken = [port for first, last, whose in NEVER_EXEMPT for port in range(first, last + 1) if whose]
    assert len(taken) == len(set(taken)) >= len(NEVER_EXEMPT)
    assert all(0 < port < 65_536 for port in taken)


def test_a_set_of_the_rules_takes_them_in_order() -> None:
    assert sorted(PEER_TO_PEER) == list(PEER_TO_PEER)
