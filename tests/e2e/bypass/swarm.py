"""A BitTorrent peer by libtorrent, for Debian's Python: a seed, or a client that fetches through a proxy.

swarm.py TORRENT FOLDER PORT                              a seed that asks its tracker for newcomers
swarm.py TORRENT FOLDER PORT PEER PROXY USER PASSWORD HOW   asks the peer (host:port) alone, "plain" or "encrypted"
"""

import sys
import time

import libtorrent

QUIET = {"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
LOOPBACK = {"allow_multiple_connections_per_ip": True, "enable_incoming_utp": False, "enable_outgoing_utp": False}


def session(port, **more):
    settings = {"listen_interfaces": f"127.0.0.1:{port}", "alert_mask": 0, **QUIET, **LOOPBACK, **more}
    return libtorrent.session(settings)


def proxied(proxy, user, password, how):
    host, port = proxy.split(":")
    policy = libtorrent.enc_policy.forced if how == "encrypted" else libtorrent.enc_policy.disabled
    return {
        "proxy_type": int(libtorrent.proxy_type_t.http_pw),
        "proxy_hostname": host,
        "proxy_port": int(port),
        "proxy_username": user,
        "proxy_password": password,
        "proxy_peer_connections": True,
        "proxy_tracker_connections": True,
        "out_enc_policy": int(policy),
        "in_enc_policy": int(policy),
        "allowed_enc_level": int(libtorrent.enc_level.rc4),
        "min_reconnect_time": 1,
    }


def main():
    torrent, folder, port, *rest = sys.argv[1:]
    peer, *proxy = rest or [None]
    swarm = session(port, **(proxied(*proxy) if proxy else {}))
    info = libtorrent.torrent_info(torrent)
    wanted = libtorrent.add_torrent_params()
    wanted.ti, wanted.save_path = info, folder
    handle = swarm.add_torrent(wanted)
    if peer:
        host, number = peer.rsplit(":", 1)
        handle.connect_peer((host, int(number)))
    said = False
    while True:
        if handle.status().is_seeding and not said:
            said = True
            sys.stdout.write("complete\n" if peer else "seeding\n")
            sys.stdout.flush()
        if not peer:  # transmission goes to no peer at a loopback address, but lets one come
            handle.force_reannounce(0, -1, libtorrent.torrent_handle.ignore_min_interval)
        time.sleep(0.05 if peer else 0.5)


main()
