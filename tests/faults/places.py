"""Every place where something can go wrong on the way of a request, and what a client may see then.

One row a place. `asks` says what the client does to reach it (tests/faults/clients.py), `ends` what it sees:

- BLOCK: 503 from us, and nothing of the origin
- CLOSED: a closed connection, without a byte of the origin
- CUT: an answer that had begun and breaks off, so that nobody takes it for whole; or no byte of it, where its beginning
  had not left yet
- SETTLED: an answer that stood in the log as whole before its last bytes left: the client has the first of its bytes,
  none or all of them at most, and nothing else; it takes it for whole only where it has all
- ANSWERED: the fault comes after the answer, or changes nothing for this client
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How it goes wrong."""

    RAISE = "raise"
    HANG = "asynchronous hang"
    CANCEL = "cancel"
    SYNC_HANG = "synchronous hang"


class Ends(StrEnum):
    """What the client sees."""

    BLOCK = "503"
    CLOSED = "closed"
    CUT = "cut"
    SETTLED = "settled"
    ANSWERED = "answered"


class Way(StrEnum):
    """How the client asks."""

    HTTP = "HTTP"
    H1 = "HTTPS h1"
    H2 = "HTTPS h2"
    SOCKET = "WebSocket"
    TUNNEL = "passed-through tunnel"
    DEVICE = "redirected HTTPS"
    DEVICE_HTTP = "redirected HTTP"


ALL = HTTP, H1, H2, SOCKET, TUNNEL = tuple(Way)[:5]  # through a proxy
DEVICES = DEVICE, DEVICE_HTTP = tuple(Way)[5:]
INSIDE = (H1, H2, SOCKET)
REQUESTS = (HTTP, H1, H2, SOCKET)
PAGES = (HTTP, H1, H2)

ASYNC = (Kind.RAISE, Kind.HANG, Kind.CANCEL, Kind.SYNC_HANG)
SYNC = (Kind.RAISE, Kind.CANCEL, Kind.SYNC_HANG)  # what is no coroutine cannot hang asynchronously

BLOCK, CLOSED, CUT, SETTLED, ANSWERED = Ends

#: Time that the workers of these tests give a hook, in seconds, besides the two for a name.
HOOK_SECONDS = 4.0


@dataclass(frozen=True)
class Place:
    """`name` is module:attribute. `sent` says that the origin may have had (a part of) the request by then.

    `reason` says how the reasons of its records begin: one for all of them, or one each, in alphabetical order.
    """

    name: str
    sentence: str
    ways: tuple[Way, ...]
    kinds: tuple[Kind, ...]
    ends: Ends
    asks: str = "page"
    sent: bool = False
    records: int = 1
    reason: str = "error."
    after: str | None = None  # another place that raises first, so that this one is reached

    @property
    def reasons(self) -> tuple[str, ...]:
        named = tuple(self.reason.split())
        return named * self.records if len(named) == 1 else named

    def is_told(self, reasons: list[str]) -> bool:
        """True when the log ends on these reasons: a hook that hangs may outlive its client by some seconds."""
        pairs = zip(sorted(reasons), self.reasons, strict=False)
        return len(reasons) == self.records and all(reason.startswith(expected) for reason, expected in pairs)

    @property
    def hook(self) -> str:
        return self.name.rpartition(".")[2]


#: Stream callbacks: the hook that makes them, and the message that they stand on.
CALLBACKS = {
    "request.stream": ("proxy.addon:Addon.requestheaders", "request"),
    "response.stream": ("proxy.answer_hooks:AnswerHooks.responseheaders", "response"),
}

_ADDON = "proxy.addon:Addon."
_ANSWER = "proxy.answer_hooks:AnswerHooks."
_INSIDE_TLS = "proxy.tls_hooks:TlsHooks."
_SOCKET_HOOKS = "proxy.websocket_hooks:WebsocketHooks."
_TLS = "proxy.tls_config:BreakwaterTlsConfig."
_FRONT = "proxy.front:Front."
_SPLICE = "proxy.splice:"
_SIDE = "proxy.splice:_Side."

HOOKS = (
    Place(f"{_ADDON}client_connected", "mitmproxy takes the connection", REQUESTS, ASYNC, CLOSED),
    Place(f"{_ADDON}next_layer", "what its bytes are is chosen", REQUESTS, ASYNC, CLOSED),
    Place(f"{_INSIDE_TLS}tls_clienthello", "a ClientHello inside a tunnel is read", INSIDE, ASYNC, CLOSED),
    Place("proxy.tls_hooks:evaluate_later", "a ClientHello inside a tunnel is judged", INSIDE, SYNC, CLOSED),
    Place(f"{_TLS}tls_start_client", "our certificate is shown", INSIDE, ASYNC, CLOSED),
    Place(f"{_TLS}tls_start_server", "TLS with the origin begins", INSIDE, ASYNC, CLOSED),
    Place(f"{_TLS}tls_established_server", "TLS with the origin stands", INSIDE, ASYNC, CLOSED),
    Place(f"{_INSIDE_TLS}tls_failed_client", "a client refuses our certificate", (H1,), ASYNC, CLOSED, "distrust"),
    Place(
        f"{_ADDON}http_connect",
        "a CONNECT comes by another way than the front",
        (HTTP,),
        ASYNC,
        CLOSED,
        "connect",
        records=2,
        reason="default error.",
    ),
    Place(f"{_ADDON}requestheaders", "a request is identified and judged", REQUESTS, ASYNC, BLOCK),
    Place(f"{_ANSWER}responseheaders", "an answer begins", REQUESTS, ASYNC, BLOCK, sent=True),
    Place(f"{_ANSWER}answer_held", "an answer is judged by what it is", PAGES, ASYNC, BLOCK, sent=True),
    Place(
        f"{_ANSWER}response", "an answer without a body is recorded", (HTTP, H1), ASYNC, CLOSED, "bodyless", sent=True
    ),
    Place(
        f"{_ANSWER}response",
        "an answer is at its end, and recorded",
        (H2,),
        ASYNC,
        CUT,
        "bodyless",
        True,
        reason="default",
    ),
    Place(f"{_ADDON}error", "an answer breaks off", PAGES, ASYNC, CUT, "broken", sent=True),
    Place(f"{_SOCKET_HOOKS}websocket_message", "a message passes", (SOCKET,), ASYNC, CUT, "echo", sent=True),
    Place("proxy.websocket_hooks:evaluate_later", "a message is judged", (SOCKET,), SYNC, CUT, "echo", sent=True),
    Place(f"{_SOCKET_HOOKS}websocket_end", "a WebSocket ends", (SOCKET,), SYNC, CUT, "goodbye", True),
    Place(
        f"{_SOCKET_HOOKS}websocket_end",
        "a WebSocket has ended: all has passed, and its client's going is recorded before the time is up",
        (SOCKET,),
        (Kind.HANG,),
        CUT,
        "goodbye",
        True,
        reason="default",
    ),
    Place(
        f"{_ADDON}client_disconnected",
        "what was left is recorded",
        REQUESTS,
        ASYNC,
        CUT,
        "leave",
        True,
        reason="default",
    ),
    Place(f"{_ADDON}client_disconnected", "a CONNECT without a request is recorded", (H1,), ASYNC, CLOSED, "nothing"),
    Place("request.stream", "a part of an upload passes", PAGES, SYNC, CLOSED, "upload", sent=True),
    Place("response.stream", "a part of an answer passes", PAGES, SYNC, CUT, "big", sent=True),
)

FRONT = (
    Place(f"{_FRONT}connection_made", "a connection is taken: nothing was asked", ALL, SYNC, CLOSED, records=0),
    Place(f"{_FRONT}data_received", "the first bytes come: the event loop itself closes", ALL, SYNC, CLOSED, records=0),
    Place(f"{_FRONT}connection_lost", "it is forgotten", (HTTP, H1), SYNC, ANSWERED, "unsigned", reason="identity."),
    Place(f"{_FRONT}eof_received", "a client ends in its head", (HTTP,), SYNC, CLOSED, "half", records=0),
    Place(f"{_FRONT}_expect", "a deadline is set: nothing was asked", ALL, SYNC, CLOSED, records=0),
    Place(f"{_FRONT}_stop_deadline", "a deadline is lifted: nothing was asked", ALL, SYNC, CLOSED, records=0),
    Place(f"{_FRONT}_too_slow", "the deadline has passed", (HTTP,), SYNC, BLOCK, "slow"),
    Place(f"{_FRONT}_take_head", "a head is looked for", ALL, SYNC, BLOCK),
    Place("proxy.front:parse_head", "a head is read", ALL, SYNC, BLOCK),
    Place(f"{_FRONT}_handle", "a head is handled", ALL, ASYNC, BLOCK),
    Place(f"{_FRONT}_public", "a page of the filter itself is asked for", (HTTP,), SYNC, BLOCK, "public"),
    Place(f"{_FRONT}_connect", "a CONNECT is answered", (*INSIDE, TUNNEL), ASYNC, BLOCK),
    Place(f"{_FRONT}_judged", "a CONNECT is identified and judged", (*INSIDE, TUNNEL), ASYNC, BLOCK),
    Place("proxy.front:judge", "a CONNECT is judged", (*INSIDE, TUNNEL), ASYNC, BLOCK),
    Place(f"{_FRONT}_splice", "a tunnel is passed through", (TUNNEL,), ASYNC, BLOCK),
    Place(f"{_FRONT}_intercept", "a tunnel is opened by us", INSIDE, ASYNC, BLOCK),
    Place(f"{_FRONT}_hand_over", "mitmproxy gets the socket", (HTTP,), ASYNC, BLOCK),
    Place(f"{_FRONT}_hand_over", "mitmproxy gets the tunnel", INSIDE, ASYNC, CLOSED),
    Place(f"{_FRONT}_refuse", "a CONNECT is refused", (H1,), SYNC, BLOCK, "unsigned"),
    Place(f"{_FRONT}_refuse_malformed", "a head that cannot be read is refused", (HTTP,), SYNC, BLOCK, "malformed"),
    Place(
        f"{_FRONT}_refuse_failed",
        "even the refusal fails",
        ALL,
        SYNC,
        CLOSED,
        after="proxy.front:parse_head",
        records=0,
    ),
    Place("proxy.front:recorded", "a refusal is recorded", (H1,), SYNC, CLOSED, "unsigned", records=0),
    Place(f"{_FRONT}_send", "a refusal is sent", (H1,), SYNC, BLOCK, "unsigned", reason="identity."),
)

PARTS = (
    Place("proxy.identity.local:LocalIdentity.identify", "who is it?", ALL, ASYNC, BLOCK),
    Place("proxy.identity.local:LocalIdentity.recheck", "is it still that user?", INSIDE, SYNC, BLOCK),
    Place("proxy.addon:judge", "a request is judged", REQUESTS, ASYNC, BLOCK),
    Place("proxy.worker_state:evaluate", "facts are evaluated", ALL, SYNC, BLOCK),
    Place("proxy.connect:Resolver.resolve", "a name is resolved", ALL, ASYNC, BLOCK),
    Place("proxy.connect:Resolver._ask_once", "the resolver is asked", ALL, ASYNC, BLOCK),
    Place("proxy.connect:Dialer.socket_to", "an origin is dialled", REQUESTS, ASYNC, BLOCK),
    Place("proxy.connect:Dialer._dial", "an address is dialled", REQUESTS, ASYNC, BLOCK),
    Place("proxy.recording:Recorder.begin", "an exchange is watched", ALL, SYNC, BLOCK),
    Place("proxy.recording:Recorder.yield_to_inner", "a CONNECT's requests speak for it", INSIDE, SYNC, CLOSED),
    Place("proxy.recording:Recorder._settle", "an answer is recorded", PAGES, SYNC, CUT, "big", sent=True),
    Place(
        "proxy.recording:Recorder.end", "it is over, and recorded", PAGES, SYNC, SETTLED, "big", True, reason="default"
    ),
    Place("usage_log.spool:Spool.append", "a record is written", PAGES, SYNC, CUT, "big", sent=True),
    Place("proxy.block_page:Pages.answer", "a page is made", PAGES, SYNC, BLOCK, "blocked"),
    Place(
        "proxy.public_pages:PublicPages.answer",
        "a page of the filter itself is made",
        (HTTP, H1),
        SYNC,
        BLOCK,
        "public",
    ),
    Place("proxy.front:raw_of", "an answer is made of it", (H1,), SYNC, BLOCK, "unsigned", reason="identity."),
    Place("proxy.addon:response_of", "an answer is made of it", PAGES, SYNC, CLOSED, "blocked"),
    Place("proxy.answers:WorkerAnswers.answer_failure", "an origin is out of reach", PAGES, SYNC, CLOSED, "dead"),
    Place("proxy.answers:WorkerAnswers.after", "an answer is held", PAGES, SYNC, CLOSED, sent=True),
    Place("proxy.answers:WorkerAnswers.under_way", "an origin is connected", REQUESTS, SYNC, CLOSED),
    Place("proxy.answers:WorkerAnswers.refuse_head", "a later head cannot be read", (H1,), SYNC, CLOSED, "malformed"),
    Place("proxy.answers:WorkerAnswers.note_refusal", "HTTP/2 cannot be read", (H2,), SYNC, CLOSED, "malformed"),
)

TUNNELS = (
    Place("proxy.front:splice", "a tunnel is passed through", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SPLICE}_splice", "its sides are joined", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SPLICE}_greets", "its ClientHello is judged", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SPLICE}_hello", "its ClientHello is awaited", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SPLICE}is_whole", "its ClientHello is measured", (TUNNEL,), SYNC, CLOSED),
    Place(f"{_SPLICE}hello_of", "its ClientHello is read", (TUNNEL,), SYNC, CLOSED),
    Place(f"{_SPLICE}evaluate", "it is judged by its ClientHello", (TUNNEL,), SYNC, CLOSED),
    Place("proxy.connect:Dialer.socket_to", "its origin is dialled", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SPLICE}_relay", "its bytes begin to pass", (TUNNEL,), ASYNC, CLOSED),
    Place(f"{_SIDE}connection_made", "a side begins", (TUNNEL,), SYNC, CLOSED),
    Place(f"{_SIDE}join", "a side is joined to the other", (TUNNEL,), SYNC, CLOSED),
    Place(f"{_SIDE}more", "more of the ClientHello is awaited", (TUNNEL,), SYNC, CLOSED, "slow hello"),
    Place(f"{_SIDE}more", "no more of it comes", (TUNNEL,), (Kind.HANG,), CLOSED, "slow hello", reason="bypass.raw"),
    Place(f"{_SIDE}data_received", "bytes come", (TUNNEL,), SYNC, CLOSED),
    Place(f"{_SIDE}write", "bytes go", (TUNNEL,), SYNC, CLOSED),
)

_TRANSPARENT = "proxy.transparent:"
_REDIRECTED = f"{_TRANSPARENT}TransparentFront."
_STEPS = (  # of a redirected connection: each ends it, by a 503 where HTTP is spoken
    (f"{_REDIRECTED}_take_head", "a ClientHello or a head is looked for", SYNC),
    (f"{_TRANSPARENT}claim_of", "it is read", SYNC),
    (f"{_TRANSPARENT}original_destination", "the kernel is asked where it was meant to go", SYNC),
    (f"{_REDIRECTED}_serve", "it is handled", ASYNC),
    (f"{_REDIRECTED}_judged_claim", "its network is named, and it is judged", ASYNC),
    (f"{_TRANSPARENT}network_identity", "its network is looked up", SYNC),
    (f"{_TRANSPARENT}claimed_facts", "what it says is stated", SYNC),
    (f"{_TRANSPARENT}judge", "it is judged", ASYNC),
)

REDIRECTED = (
    Place(f"{_REDIRECTED}connection_made", "a redirected connection is taken", DEVICES, SYNC, CLOSED, records=0),
    *(Place(name, sentence, (DEVICE,), kinds, CLOSED) for name, sentence, kinds in _STEPS),
    *(Place(name, sentence, (DEVICE_HTTP,), kinds, BLOCK) for name, sentence, kinds in _STEPS),
    Place(f"{_REDIRECTED}_redirected", "its destination is asked for", (DEVICE,), SYNC, CLOSED),
    Place(f"{_REDIRECTED}_begin", "its judging begins", (DEVICE,), SYNC, CLOSED),
    Place(f"{_REDIRECTED}_refuse_raw", "raw bytes are refused", (DEVICE_HTTP,), SYNC, BLOCK, "raw"),
    Place(f"{_TRANSPARENT}raw_verdict", "raw bytes are named", (DEVICE_HTTP,), SYNC, BLOCK, "raw"),
    Place(f"{_REDIRECTED}_end", "raw bytes are closed", (DEVICE_HTTP,), SYNC, BLOCK, "raw", reason="bypass.raw"),
    Place(f"{_REDIRECTED}_hand_over", "mitmproxy gets a redirected connection", (DEVICE,), ASYNC, CLOSED),
    Place(f"{_REDIRECTED}_decline", "a lie is refused", (DEVICE,), SYNC, CLOSED, "lie"),
    Place(f"{_REDIRECTED}_decline", "a lie is refused with a page", (DEVICE_HTTP,), SYNC, BLOCK, "lie"),
    Place(f"{_REDIRECTED}_send", "that is the end", (DEVICE,), SYNC, CLOSED, "lie", reason="address.mismatch"),
    Place(f"{_REDIRECTED}_send", "the page is sent", (DEVICE_HTTP,), SYNC, BLOCK, "lie", reason="address.mismatch"),
)

#: The tasks of a worker, which no client reaches: tests/faults/test_tasks.py.
TASKS = (
    Place("proxy.policy_watch:PolicyWatch._judge_again", "what is open is judged again", (), ASYNC, CLOSED),
    Place("proxy.recording:Recorder.tick", "what is open for long is recorded", (), SYNC, CLOSED),
)

PLACES = (*HOOKS, *FRONT, *PARTS, *TUNNELS, *REDIRECTED, *TASKS)
