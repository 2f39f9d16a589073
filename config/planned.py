"""What DESIGN.md's contract names and this version does not have: refused, never accepted and ignored.

The models refuse by these tables, and docs/config.md is made from them.
"""

from __future__ import annotations

#: Keys that are refused wherever they stand. "*" stands for a name that the district chose.
KEYS = frozenset({("console",), ("groups", "*", "ldap")})

#: Values that are refused, and the key at which they would stand.
DATABASES = frozenset({"postgresql", "postgres"})  # schemes of an address
METHODS = frozenset({"ldap", "kerberos", "sign_in", "radius"})
VALUES = {
    "database": frozenset(f"{scheme}://…" for scheme in DATABASES),
    "identity.methods": METHODS,
}
