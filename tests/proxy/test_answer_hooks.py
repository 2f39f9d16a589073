"""What happens to an answer of an origin before the client has a byte of it, with real flows and a node in memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.addon import Addon
from proxy.answer_hooks import saved_as
from proxy.flow_exchange import exchange_of
from proxy.replaced.holding import SCREEN
from tests.proxy.detectors.answers import TORRENT
from tests.proxy.flows import PUBLIC, SIGNED, Handler, flow, reasons
from tests.proxy.workers import node

PAC = b"function FindProxyForURL(url, host) {}"


@pytest.fixture
def made():
    node_ = node()
    node_.resolver.table.update(PUBLIC)
    return node_


@pytest.fixture
def addon(made):
    return Addon(made, SimpleNamespace(tls_start_client=None, tls_start_server=None, tls_established_server=None))


async def answered(addon, handler, declared="", status=200, **fields):
    sent = flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    sent.response.status_code = status
    sent.response.headers.clear()
    sent.response.headers.update({"content-type": declared} | {k.replace("_", "-"): v for k, v in fields.items()})
    addon.hook("responseheaders")(handler, sent)
    return sent


async def test_what_is_refused_gets_the_page_and_one_record(addon, made):
    handler = Handler()
    sent = await answered(addon, handler, "text/plain", content_length="999")
    sent.metadata[SCREEN].more(TORRENT)
    sent.metadata[SCREEN].end()
    addon.hook("answer_held")(handler, sent)
    assert sent.response.status_code == 403
    assert b"announce" not in sent.response.content
    assert reasons(made) == [("block", "p2p.bittorrent", 403)]
    assert handler.exchanges == set()


async def test_what_passes_is_counted_as_before(addon, made):
    handler = Handler()
    sent = await answered(addon, handler, "image/png")
    assert sent.metadata[SCREEN].more(b"\x89PNG\r\n\x1a\n")
    addon.hook("answer_held")(handler, sent)
    assert sent.response.status_code == 200
    assert sent.response.stream(b"abc") == b"abc"
    assert exchange_of(sent).bytes_out == 3


@pytest.mark.parametrize(
    ("status", "length"), [(204, None), (304, None), (101, None), (200, "0")], ids=["204", "304", "101", "no length"]
)
async def test_what_has_no_body_is_not_held(addon, status, length):
    fields = {} if length is None else {"content_length": length}
    sent = await answered(addon, Handler(), "text/html", status, **fields)
    assert SCREEN not in sent.metadata


NAMES = {
    "of the path": ({}, "/a/Setup.EXE", "setup.exe"),
    "as it says": ({"content-disposition": 'attachment; filename="A b.bat"'}, "/x", "a b.bat"),
    "as it says in another form": ({"content-disposition": "attachment; filename*=UTF-8''a%2Esh"}, "/x", "a.sh"),
    "of both forms the longer": ({"content-disposition": "a; filename=x.txt; filename*=utf-8''y.sh"}, "/x", "y.sh"),
    "without its folders": ({"content-disposition": "attachment; filename=..\\..\\a.cmd"}, "/x", "a.cmd"),
    "none": ({"content-disposition": "attachment"}, "/", ""),
}


@pytest.mark.parametrize(("fields", "path", "name"), NAMES.values(), ids=NAMES)
def test_the_name_that_it_would_be_saved_under(fields, path, name):
    assert saved_as(fields, path) == name


@given(st.text(alphabet="filename*=\"';0123\\% a.bUTF-8xé\0", max_size=200))
def test_no_disposition_raises(said):
    assert len(saved_as({"content-disposition": f"attachment; filename*{said}"}, "/a")) <= 255
