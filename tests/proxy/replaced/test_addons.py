"""Only the addons that are used are imported, and mitmproxy's own package is as it was."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import sys
import proxy.worker
print(*sorted({"flask", "werkzeug", "ldap3", "mitmproxy.addons"} & set(sys.modules)))
from mitmproxy import addons
from proxy.replaced.addons import Proxyserver, TlsConfig
print(addons.proxyserver.Proxyserver is Proxyserver, addons.tlsconfig.TlsConfig is TlsConfig, "flask" in sys.modules)
"""


def test_a_worker_does_not_carry_what_it_does_not_use() -> None:
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["", "True True True"]
