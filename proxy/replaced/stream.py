"""One request and its answer: blocks are answered at once, and failures with a page of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    HttpStream,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    SendHttp,
)

from proxy.replaced.part import Answers, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            HttpStream,
            "start_request_stream",
            "46f03368a2a5436256a2f5afc4be43db81c9951bad213d62eb66629573986fbe",
            _start_request_stream,
        ),
        Part(
            HttpStream,
            "handle_protocol_error",
            "59fc3b2eeeabf63a64d4cce98b4fe4cab5193ebefbd9c32ae186e65c7d25bfe2",
            _protocol_error_or(answers),
        ),
        Part(
            HttpStream,
            "make_server_connection",
            "ddc7bc72f4d2fbc7d7be17c31ab321035c8e50672160a6fd3b84aec24e7350fb",
            _server_connection_or(answers),
        ),
    )


_original_start_request_stream = HttpStream.start_request_stream


def _start_request_stream(self: HttpStream) -> Generator[Any, Any, None]:
    """Answer a blocked upload at once and drop its body; stock raises here, and the client hangs (item 7)."""
    if self.flow.response:
        yield from _send_now(self)
    else:
        yield from _original_start_request_stream(self)


_original_protocol_error = HttpStream.handle_protocol_error


def _protocol_error_or(answers: Answers) -> Callable[[HttpStream, Any], Any]:
    def handle_protocol_error(self: HttpStream, event: Any) -> Generator[Any, Any, None]:
        """Send our page where the origin breaks off before it has answered: stock sends its own (item 8)."""
        waits = self.server_state == self.state_wait_for_response_headers and self.client_state != self.state_errored
        if isinstance(event, ResponseProtocolError) and waits:
            answers.answer_failure(self.flow, event.message)
            yield from _send_now(self)
        else:
            yield from _original_protocol_error(self, event)

    return handle_protocol_error


def _server_connection_or(answers: Answers) -> Callable[[HttpStream], Any]:
    def make_server_connection(self: HttpStream) -> Generator[Any, Any, bool]:
        """Send our page where the origin cannot be used; stock sends its own (item 8)."""
        connection, error = yield GetHttpConnection(
            (self.flow.request.host, self.flow.request.port),
            self.flow.request.scheme == "https",
            self.flow.server_conn.via,
            self.flow.server_conn.transport_protocol,
        )
        if error is None:
            self.context.server = self.flow.server_conn = connection
            return True
        answers.answer_failure(self.flow, error)
        yield from _send_now(self)
        return False

    return make_server_connection


def _send_now(stream: HttpStream) -> Generator[Any, Any, None]:
    """Send the flow's response, whatever of the request is still to come, and take nothing more of this stream."""
    response = stream.flow.response
    assert response is not None  # noqa: S101  # both callers have just set it
    if stream.client_state is not stream.state_done and not stream.flow.request.is_http2:
        response.headers["connection"] = "close"  # the body that still comes must not be read as the next request
    stream.flow.live = False
    stream.client_state = stream.server_state = stream.state_errored
    content = response.raw_content or b""
    yield SendHttp(ResponseHeaders(stream.stream_id, response, end_stream=not content), stream.context.client)
    if content:
        yield SendHttp(ResponseData(stream.stream_id, content), stream.context.client)
    yield DropStream(stream.stream_id)
    yield SendHttp(ResponseEndOfMessage(stream.stream_id), stream.context.client)
