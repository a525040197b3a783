"""A receiver of OpenTelemetry's protocol: OTLP over HTTP, in protobuf, as collectors take it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support import answering

INTERNAL, CLIENT = Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT
UNSET, OK, ERROR = 0, 1, 2  # of a span's status


class Receiver:
    """What came: spans, the attributes of what sent them, and the headers of each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Span] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces", path
        assert headers["content-type"] == "application/x-protobuf"
        request = ExportTraceServiceRequest.FromString(body)
        self.headers.append(headers)
        self.bodies.append(body)
        for resource in request.resource_spans:
            self.resources.append(attributes_of(resource.resource))
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def wait_for(self, name: str, count: int = 1) -> list[Span]:
        """The spans of this name, once so many have come."""
        for _ in range(400):
            found = [one for one in self.spans if one.name == name]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no {name} among {[one.name for one in self.spans]}")

    def chain(self, one: Span) -> list[str]:
        """The ids above a span, as far as they came, and the first that did not."""
        by_id = {span.span_id: span for span in self.spans}
        found = [one.parent_span_id]
        while found[-1] in by_id:
            found.append(by_id[found[-1]].parent_span_id)
        return [id_.hex() for id_ in found]


def attributes_of(one: Any) -> dict[str, Any]:
    """The attributes of a span or a resource, as plain values."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in one.attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback."""

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    with answering(server) as url:
        receiver = Receiver(url)
        yield receiver
