"""Programs, installers, scripts and packages of stores, by what they are: a name may say anything.

Ordinary documents and archives are look-alikes, and so is what an operating system fetches to update itself: hosts of
`downloads.allow_from` (docs/decisions/0022).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.snapshot import covering_name, groups_of
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.scanning.answer import Answer
    from proxy.snapshot import PolicySnapshot

PROGRAM, INSTALLER, SCRIPT, PACKAGE = (
    Match(reason, reasons.title_of(reason))
    for reason in ("download.program", "download.installer", "download.script", "download.package")
)

_BY_KIND = {Kind.PROGRAM: PROGRAM, Kind.INSTALLER: INSTALLER, Kind.PACKAGE: PACKAGE}

#: Marks that a compound document, an archive, or what follows any binary beginning is more than that.
_BY_MARK = {"msi": INSTALLER, "zip-apk": PACKAGE, "zip-jar": PACKAGE, "zip-xpi": PACKAGE, "zip-msix": PACKAGE}

#: Names of what a shell runs. Only text is taken for one: the same name on a page is an article about it.
_SCRIPT_NAMES = (".sh", ".bash", ".command", ".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".vbe", ".jse", ".wsf", ".hta",
                 ".reg")  # fmt: skip
_SCRIPT_TYPES = frozenset({
    "application/x-sh", "application/x-shellscript", "text/x-shellscript", "text/x-sh", "application/x-bat",
    "application/bat", "application/x-msdos-program", "application/x-powershell", "text/x-powershell",
    "application/hta", "application/x-csh",
})  # fmt: skip
#: How a script names the shell that runs it: what is fetched to be piped into one has no name of its own.
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]{0,8}/[^\n]{0,48}\b(?:sh|bash|dash|zsh|ksh|csh|pwsh)\b")

#: What is believed where the first bytes are not there to be seen, or tell nothing: a disk image has its mark at its
#: end, a range begins in the middle.
_NAMED = {
    ".dmg": INSTALLER, ".msi": INSTALLER, ".msp": INSTALLER, ".pkg": INSTALLER, ".deb": INSTALLER, ".rpm": INSTALLER,
    ".exe": PROGRAM, ".scr": PROGRAM, ".appimage": PROGRAM, ".apk": PACKAGE, ".xpi": PACKAGE, ".crx": PACKAGE,
    ".jar": PACKAGE, ".msix": PACKAGE, ".appx": PACKAGE, ".msixbundle": PACKAGE, ".appxbundle": PACKAGE,
    ".lnk": SCRIPT, ".scpt": SCRIPT,
}  # fmt: skip
_TYPED = {
    "application/x-apple-diskimage": INSTALLER, "application/x-msi": INSTALLER,
    "application/vnd.debian.binary-package": INSTALLER, "application/x-rpm": INSTALLER,
    "application/vnd.microsoft.portable-executable": PROGRAM, "application/x-msdownload": PROGRAM,
    "application/vnd.android.package-archive": PACKAGE, "application/x-xpinstall": PACKAGE,
    "application/x-chrome-extension": PACKAGE, "application/java-archive": PACKAGE,
}  # fmt: skip
#: One control character makes bytes of a text, and a shell runs it all the same.
_MAY_BE_SCRIPT = frozenset({Kind.TEXT, Kind.XML, Kind.BINARY})
_UNCERTAIN = frozenset({Kind.BINARY, Kind.ZIP, Kind.OLE})


def download(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise what could be run, where the settings do not let this person have it from there."""
    answer = facts.answer
    if answer is None or (found := what(answer)) is None:
        return None
    rule = snapshot.downloads
    if not rule.blocks or not rule.except_groups.isdisjoint(groups_of(facts.user, snapshot)):
        return None
    return None if covering_name(facts.target_host, rule.allow_from) else found


def what(answer: Answer) -> Match | None:
    """Say what an answer could install or run; None for anything else."""
    if (found := _BY_KIND.get(answer.kind)) is not None:
        return found
    for mark in answer.marks:
        if mark in _BY_MARK:
            return _BY_MARK[mark]
    if answer.kind in _UNCERTAIN:
        ending = "." + answer.name.rpartition(".")[2]
        if (believed := _TYPED.get(answer.declared) or _NAMED.get(ending)) is not None:
            return believed
    return SCRIPT if _is_script(answer) else None


def _is_script(answer: Answer) -> bool:
    if answer.kind is Kind.HTML:
        return answer.declared == "application/hta" or answer.name.endswith(".hta")
    if answer.kind not in _MAY_BE_SCRIPT:
        return False
    named = answer.declared in _SCRIPT_TYPES or answer.name.endswith(_SCRIPT_NAMES)
    return named or _SHEBANG.match(answer.data) is not None
