"""Applications that refuse any certificate but their own maker's: our starter list of hosts that are not decrypted.

A district switches the list off with `passthrough_starter: false`, and adds hosts with `passthrough`. A host covers its
sub-domains, so each name is as narrow as its maker's documents allow. Passed-through hosts are still filtered by name.
Sources: Apple, "Use Apple products on enterprise networks" (HT210060): hosts that "fail any connection that uses HTTPS
Interception"; Microsoft, Windows Update and Defender network requirements; Google, Chrome and Android network
requirements for administrators; the makers' own network guides for the rest. Written in November 2026, not measured.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_APPLE_UPDATES = "Apple operating-system updates: pinned"
_APPLE_DEVICES = "Apple device set-up and management: pinned"
_APPLE_STORE = "Apple App Store: pinned"
_WINDOWS_UPDATES = "Windows updates: pinned"
_DEFENDER = "Microsoft Defender updates and look-ups: pinned"
_MICROSOFT_STORE = "Microsoft Store: pinned"
_GOOGLE = "Chrome, ChromeOS and Android updates: pinned"
_GOOGLE_PLAY = "Google Play: pinned"
_ZOOM = "Zoom conferencing: pinned"
_TEAMS = "Teams conferencing: Microsoft asks not to decrypt it"
_WEBEX = "Webex conferencing: pinned"
_TESTING = "California state testing (CAASPP, ELPAC) in the secure browser: pinned"
_NWEA = "NWEA MAP testing in its lock-down browser: pinned"
_COLLEGE_BOARD = "College Board Bluebook testing: pinned"

#: Host -> reason.
PASSTHROUGH_STARTER: Mapping[str, str] = MappingProxyType(
    {
        "gdmf.apple.com": _APPLE_UPDATES,
        "gs.apple.com": _APPLE_UPDATES,
        "mesu.apple.com": _APPLE_UPDATES,
        "oscdn.apple.com": _APPLE_UPDATES,
        "swcdn.apple.com": _APPLE_UPDATES,
        "swdist.apple.com": _APPLE_UPDATES,
        "swdownload.apple.com": _APPLE_UPDATES,
        "swscan.apple.com": _APPLE_UPDATES,
        "updates.cdn-apple.com": _APPLE_UPDATES,
        "albert.apple.com": _APPLE_DEVICES,
        "deviceenrollment.apple.com": _APPLE_DEVICES,
        "deviceservices-external.apple.com": _APPLE_DEVICES,
        "identity.apple.com": _APPLE_DEVICES,
        "iprofiles.apple.com": _APPLE_DEVICES,
        "mdmenrollment.apple.com": _APPLE_DEVICES,
        "push.apple.com": _APPLE_DEVICES,
        "apps.apple.com": _APPLE_STORE,
        "itunes.apple.com": _APPLE_STORE,
        "ppq.apple.com": _APPLE_STORE,
        "delivery.mp.microsoft.com": _WINDOWS_UPDATES,
        "update.microsoft.com": _WINDOWS_UPDATES,
        "windowsupdate.com": _WINDOWS_UPDATES,
        "wdcp.microsoft.com": _DEFENDER,
        "wdcpalt.microsoft.com": _DEFENDER,
        "displaycatalog.mp.microsoft.com": _MICROSOFT_STORE,
        "storeedgefd.dsx.mp.microsoft.com": _MICROSOFT_STORE,
        "dl.google.com": _GOOGLE,
        "tools.google.com": _GOOGLE,
        "update.googleapis.com": _GOOGLE,
        "android.clients.google.com": _GOOGLE_PLAY,
        "play.googleapis.com": _GOOGLE_PLAY,
        "zoom.us": _ZOOM,
        "teams.microsoft.com": _TEAMS,
        "ciscospark.com": _WEBEX,
        "wbx2.com": _WEBEX,
        "cambiumast.com": _TESTING,
        "cambiumtds.com": _TESTING,
        "mapnwea.org": _NWEA,
        "bluebook.app.collegeboard.org": _COLLEGE_BOARD,
    }
)
