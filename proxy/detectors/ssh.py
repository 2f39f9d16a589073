"""SSH: behind CONNECT (corkscrew, proxytunnel, nc -X), inside TLS (stunnel), in WebSocket messages."""

from __future__ import annotations

from proxy.detectors.signature import Signature, prefix

#: RFC 4253, section 4.2: both sides begin with their version; 1.99 is a server that speaks version 1 as well.
SIGNATURES = (Signature("bypass.ssh", prefix(b"SSH-2.0-", b"SSH-1.")),)
