"""Who a request comes from: one file a method, all of them named in METHODS."""

from __future__ import annotations

from proxy.identity.local import METHOD as LOCAL
from proxy.identity.local import LocalIdentity

#: Every method that `identity.methods` may name.
METHODS = {LOCAL: LocalIdentity}
