"""mitmproxy's master and the addons that are used, without the thirty others that their package imports beside them.

Those bring flask, werkzeug, ldap3 and more: 0.15 s of every worker's start and 12 MiB of its memory, for nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import mitmproxy

_PACKAGE = "mitmproxy.addons"

_there_before = _PACKAGE in sys.modules
if not _there_before:  # the package, without what stands in its __init__.py
    _package = ModuleType(_PACKAGE)
    _package.__path__ = [str(Path(directory) / "addons") for directory in mitmproxy.__path__]
    sys.modules[_PACKAGE] = _package

from mitmproxy.addons.proxyserver import Proxyserver  # noqa: E402
from mitmproxy.addons.tlsconfig import TlsConfig  # noqa: E402
from mitmproxy.master import Master  # noqa: E402  # it imports its log's addon

if not _there_before:
    del sys.modules[_PACKAGE]  # whoever imports another one gets the real package

__all__ = ["Master", "Proxyserver", "TlsConfig"]
