"""Lists and archives as publishers make them, and a few as attackers do: the fuzz changes them."""

from __future__ import annotations

import gzip
import io
import tarfile
from functools import cache
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "categories" / "golden"

#: What parsers of lists trip over: marks of every format, odd names and numbers, ends of lines, other encodings.
TOKENS = [
    *(b"\n", b"\r", b"\r\n", b"\n\n\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b" ", b"\t", b"#", b"!", b";", b"\xc2\xa0"),
    *(b"||", b"^", b"@@||", b"^$important", b"*.", b"*", b"**", b"/", b"//", b"\\", b"?", b"@", b"=", b"(", b")", b"$"),
    *(b" CNAME .\n", b" CNAME rpz-passthru.\n", b" IN A 0.0.0.0\n", b"$ORIGIN a.test.\n", b"@ SOA a. b. (1 2 3 4 5)\n"),
    *(b"local=/", b"address=/a.test/", b"server=/", b"0.0.0.0 ", b"127.0.0.1\t", b"::1 ", b".Include<", b"http://"),
    *(b"xn--", b"xn--a", b"xn--80ak6aa92e", "\u00e9".encode(), "\u3002".encode(), "\uff11\uff12\uff17".encode()),
    *(b"a" * 64, b"." * 300, b"a." * 130, b"x" * 5000, b"com", b"co.uk", b"github.io", b"%2e%2e/", b"%", b"%00"),
    *(b"2130706433", b"0x7f.1", b"[::1]", b"[", b"]", b":80", b"192.0.2.1", b"1.2.3.08", b"256.1.1.1", b"\xed\xa0\x80"),
    *(b"# Number of entries: 9\n", b"NAME: adult\nDEFAULT_TYPE: white\n", b"white\n", b"\x1f\x8b\x08", b"PK\x03\x04"),
]  # fmt: skip

#: The same for expressions: brackets that do not close or go deep, classes, counts that grow, what POSIX has not.
EXPRESSION_TOKENS = [
    *(b"(", b")", b"((((((((", b"(" * 2000, b"[", b"]", b"[^", b"[]", b"[a-", b"[z-a]", b"[[:alpha:]]", b"[[:x:]]"),
    *(b"[[.a.]]", b"[[=a=]]", b"{", b"}", b"{2}", b"{,2}", b"{1,255}", b"{1,99999}", b"{255}{255}", b"{2,1}", b"|"),
    *(b"*", b"+", b"?", b"**", b"+*?", b".", b"^", b"$", b"\\", b"\\1", b"\\d", b"\\x00", b"\\", b"(?=a)", b"(?i)"),
    *(b"\n", b"\0", b"\xff", "\u00e9".encode(), "\u212a".encode(), b"#", b" ", b"a" * 4000, b"(a+)+", b"(a|a)*"),
]  # fmt: skip

#: The same for archives: numbers of headers in every notation, types of members, records of pax headers.
ARCHIVE_TOKENS = [
    *(b"\x00" * 512, b"\x00" * 1024, b"ustar\x0000", b"ustar  \x00", b"77777777777\x00", b"-0000000001\x00"),
    *(b"\x80" + b"\xff" * 11, b"\x80" + b"\x00" * 10 + b"\x01", b"\xff" * 12, b"00000000000 ", b"9" * 12, b" " * 12),
    *(b"../../", b"/etc/", b"..\\", b"blacklists/blacklists/", b"adult/domains", b"\x00", b"\n", b"\xff" * 8),
    *(b"30 GNU.sparse.major=1\n", b"20 GNU.sparse.map=0,1,", b"99999999 path=a\n", b"11 path=a/b\n", b"0 a=b\n"),
    *(b"18 size=999999999\n", b"12 size=-9\n", b"\n1\n0\n9\n", b"x", b"g", b"L", b"K", b"S", b"1", b"2", b"3", b"7"),
    *(b"\x1f\x8b\x08\x00", b"20 hdrcharset=BINARY\n", b"19 GNU.sparse.name=\n", b"21 mtime=nan\n", b"-1 \n"),
]  # fmt: skip


@cache
def of_format(name: str) -> list[bytes]:
    """The golden lists of a format."""
    named = sorted(GOLDEN.glob(f"{name}.list")) + sorted(GOLDEN.glob(f"{name}.exceptions"))
    return [path.read_bytes() for path in named or sorted(GOLDEN.glob("*.list"))]


def packed(data: bytes) -> bytes:
    """The same bytes in each process: no time in the header."""
    return gzip.compress(data, 6, mtime=0)


@cache
def archives() -> list[bytes]:
    """UT1's tree as tar makes it, and archives of every kind of header, none of them packed."""
    golden = gzip.decompress((GOLDEN / "ut1.tar.gz").read_bytes())
    return [
        golden,
        *(_tar(form) for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)),
        *_sparse(),
    ]


def _tar(form: int) -> bytes:
    made = io.BytesIO()
    deep = "x" * 90 + "/adult/domains"  # needs a header of its own where the format has one
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        for name, kind, data in (
            ("blacklists/adult/domains", tarfile.REGTYPE, b"blocked.test\n" * 50),
            ("blacklists/games", tarfile.DIRTYPE, b""),
            ("blacklists/porn", tarfile.SYMTYPE, b""),
            (deep if form == tarfile.USTAR_FORMAT else deep * 3, tarfile.REGTYPE, b"a.test\n"),
            ("blacklists/games/urls", tarfile.REGTYPE, packed(b"a.test/x\n" * 50)),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "adult"
            info.pax_headers = {"comment": "made up"} if form == tarfile.PAX_FORMAT else {}
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def _sparse() -> list[bytes]:
    """Files with holes, in the notations of GNU tar 0.0, 0.1 and 1.0, and in the old one."""
    maps: list[dict[str, str]] = [
        {"GNU.sparse.size": "99", "GNU.sparse.numblocks": "1", "GNU.sparse.offset": "0", "GNU.sparse.numbytes": "9"},
        {"GNU.sparse.size": "99", "GNU.sparse.map": "0,4,90,5"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "99"},
    ]
    made = []
    for headers in maps:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("blacklists/adult/domains")
            info.pax_headers, data = headers, b"1\n0\n9\n".ljust(512, b"\0") + b"blocked.t"
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        made.append(out.getvalue())
    old = tarfile.TarInfo("blacklists/adult/domains")
    old.type, old.size = tarfile.GNUTYPE_SPARSE, 512
    return [*made, old.tobuf(tarfile.GNU_FORMAT) + bytes(1536)]
