"""What a district folder of the tests holds before the filter is started: settings, lists, a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.network import ADDRESSES, PRIVATE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

PUBLIC_NAME = "filter.district.test"


def write_lists(folder: Path) -> None:
    """Lists of the floor and of the district."""
    files = {
        "ut1/adult/domains": "blocked.test\nwrapped-blocked.test\n",
        "ut1/adult/urls": "mixed.test/bad\n",
        "gambling.txt": "# our own\ncasino.test\n",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def write_certificate(file: Path, network: Network) -> None:
    """Certificate and key of the TLS listener, signed by the authority of the origins for want of another."""
    file.touch(0o600)
    file.write_bytes(network.authority.leaf(PUBLIC_NAME).read_bytes())


def district(product: Product) -> dict[str, Any]:
    """The settings, as yaml takes them."""
    network = product.network
    decided = {"owner": "network office", "reason": "origins of the tests", "since": "2026-11-01"}
    listener = {"cert_file": "listener.pem", "key_file": "listener.pem"}
    allowed = sorted(address for name, address in ADDRESSES.items() if name != PRIVATE)
    return {
        "district": {
            "name": "Example Unified",
            "policy_url": "https://district.test/ar4040",
            "help_desk": {"email": "help@district.test", "phone": "209 555 0100"},
            "timezone": "America/Los_Angeles",
            "clauses": {"filter": "AR 4040, Technology Protection Measure"},
        },
        "schools": {"lincoln": ["127.0.0.0/8"]},
        "state_dir": str(product.state),
        "database": "sqlite",
        "retention": {"records": "third-july-1", "evidence": "10y", "cases": "10y"},
        "proxy": {
            "listen": [f"127.0.0.1:{product.port}", {"address": f"127.0.0.1:{product.tls_port}", "tls": listener}],
            "workers": 2,
            "public_name": PUBLIC_NAME,
            "allow_ports": [80, 443, network.tls_port, network.plain_port],
            "private_networks": {"allow": [{"network": f"{address}/32", **decided} for address in allowed]},
            "passthrough": [{"host": "bank.test", **decided}],
            "extra_trust": [str(network.authority.file)],
        },
        "identity": {"required": True, "methods": ["local"]},
        "metrics": {"listen": f"127.0.0.1:{product.metrics_port}"},
        "starter_only": True,
        "lists": [
            {"name": "floor", "format": "ut1", "path": "lists/ut1", "map": {"adult": "pornography"}},
            {"name": "ours", "format": "domains", "path": "lists/gambling.txt", "category": "gambling"},
        ],
        "categories": {"gambling": "block"},
    }
