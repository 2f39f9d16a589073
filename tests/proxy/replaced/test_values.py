"""Every value is what stock has made of the same arguments."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.connection import Client
from mitmproxy.http import Headers
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpRequestHook
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.replaced import values

PARTS = {f"{part.owner.__name__}.{part.name}": part.new for part in values.parts()}
NAMES = st.sampled_from([b"host", b"Host", b"HOST", b"cookie", b"x-\xff", b""])
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=5)), max_size=6)


@given(FIELDS, NAMES)
def test_headers_are_read_as_stock_reads_them(fields, name):
    headers = Headers(fields)
    for asked in (name, name.decode("utf-8", "surrogateescape")):
        assert PARTS["Headers.get_all"](headers, asked) == headers.get_all(asked)
        if asked in headers:
            assert PARTS["Headers.__getitem__"](headers, asked) == headers[asked]
        else:
            with pytest.raises(KeyError):
                PARTS["Headers.__getitem__"](headers, asked)


@given(FIELDS)
def test_headers_are_made_as_stock_makes_them(fields):
    made = object.__new__(Headers)
    PARTS["Headers.__init__"](made, (list(field) for field in fields), Content_Type="text/html", host=b"a")
    assert made.fields == Headers(fields, Content_Type="text/html", host=b"a").fields


def test_headers_of_text_are_refused_as_by_stock():
    with pytest.raises(TypeError, match="must be bytes"):
        PARTS["Headers.__init__"](object.__new__(Headers), [("a", "b")])


def test_options_are_given_as_stock_gives_them_and_lists_as_copies():
    options = Options()
    options.update(ignore_hosts=["a"], tcp_timeout=7)
    for option in options._options.values():
        assert PARTS["_Option.current"](option) == option.current()
    given_out = PARTS["_Option.current"](options._options["ignore_hosts"])
    given_out.append("b")
    assert options.ignore_hosts == ["a"]


def test_a_hook_tells_what_it_is_about():
    assert PARTS["Hook.args"](HttpRequestHook("flow")) == HttpRequestHook("flow").args() == ["flow"]


def test_a_forked_context_has_layers_of_its_own():
    client = Client(peername=("", 1), sockname=("", 2), proxy_mode=ProxyMode.parse("regular"))
    context = Context(client, Options())
    context.layers.append("layer")
    forked = PARTS["Context.fork"](context)
    assert vars(forked) == vars(context.fork())
    forked.layers.append("another")
    assert context.layers == ["layer"]
    assert vars(copy.copy(forked)).keys() == vars(context).keys()
