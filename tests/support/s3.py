"""A small S3 service on loopback that believes nobody: signatures (SigV4), payload digests and preconditions are checked.

Knows what an archive needs: PUT with `If-None-Match: *`, GET with a range, HEAD, DELETE, ListObjectsV2 in pages, DeleteObjects.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

KEY, SECRET, REGION, BUCKET = "EXAMPLEKEYID", "example/secret+of/nobody", "eu-test-1", "evidence"
PAGE = 7
"""Keys in one page of a list, so that lists have several."""
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


@dataclass
class Service:
    """The running service: what it holds, and how it shall fail."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    fail: list[int] = field(default_factory=list)
    lose_answers: int = 0
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        """Its link."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def s3() -> Iterator[Service]:
    """The service, on a port of the system's choice."""
    service = Service()

    class Conversation(_Conversation):
        place = service

    with ThreadingHTTPServer(("127.0.0.1", 0), Conversation) as server:
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


class _Conversation(BaseHTTPRequestHandler):
    place: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: object) -> None:
        pass

    def _begin(self) -> tuple[str, dict[str, str], bytes] | None:
        """Key, query and body of a request that is signed as it should be; None once it was answered."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.place.requests.append(f"{self.command} {self.path}")
        if self.place.fail:
            self._answer(self.place.fail.pop(0), _error("InternalError"))
            return None
        if fault := self._fault(parts.path, parts.query, body):
            self._answer(403, _error(fault))
            return None
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket != BUCKET:
            self._answer(404, _error("NoSuchBucket"))
            return None
        return key, query, body

    def _fault(self, path: str, query: str, body: bytes) -> str:
        """What is wrong with the signature; empty where it is right (AWS Signature Version 4)."""
        given = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if given is None or given[1] != KEY or given[3] != REGION:
            return "InvalidAccessKeyId"
        digest = self.headers.get("x-amz-content-sha256", "")
        if digest not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            return "XAmzContentSHA256Mismatch"
        names = given[4].split(";")
        headers = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n" for name in names)
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        asked = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
        canonical = "\n".join((self.command, path, asked, headers, given[4], digest))
        scope = f"{given[2]}/{REGION}/s3/aws4_request"
        text = "\n".join(
            ("AWS4-HMAC-SHA256", self.headers.get("x-amz-date", ""), scope, hashlib.sha256(canonical.encode()).hexdigest())
        )
        key = f"AWS4{SECRET}".encode()
        for step in (given[2], REGION, "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        return "" if hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), given[5]) else "SignatureDoesNotMatch"

    def do_PUT(self) -> None:
        if (asked := self._begin()) is None:
            return
        key, _, body = asked
        with self.place.lock:
            taken = self.headers.get("If-None-Match") == "*" and key in self.place.objects
            if not taken:
                self.place.objects[key] = body
        if not taken and self.place.lose_answers:
            self.place.lose_answers -= 1
            self.close_connection = True
            return
        self._answer(412, _error("PreconditionFailed")) if taken else self._answer(200, b"", {"ETag": _etag(body)})

    def do_GET(self) -> None:
        if (asked := self._begin()) is None:
            return
        key, query, _ = asked
        if query.get("list-type") == "2":
            self._list(query)
            return
        if (content := self.place.objects.get(key)) is None:
            self._answer(404, _error("NoSuchKey"))
            return
        if (span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))) is None:
            self._answer(200, content, {"ETag": _etag(content)})
            return
        start, end = int(span[1]), min(int(span[2] or len(content)), len(content) - 1)
        if start >= len(content):
            self._answer(416, _error("InvalidRange"))
            return
        about = {"Content-Range": f"bytes {start}-{end}/{len(content)}", "ETag": _etag(content)}
        self._answer(206, content[start : end + 1], about)

    do_HEAD = do_GET  # noqa: N815 the library's own naming

    def do_DELETE(self) -> None:
        if (asked := self._begin()) is not None:
            self.place.objects.pop(asked[0], None)
            self._answer(204, b"")

    def do_POST(self) -> None:
        if (asked := self._begin()) is None:
            return
        keys = [node.text or "" for node in ElementTree.fromstring(asked[2]).iter() if node.tag.endswith("Key")]
        for key in keys:
            self.place.objects.pop(key, None)
        gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _list(self, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "") or query.get("start-after", "")
        keys = sorted(key for key in self.place.objects if key.startswith(prefix) and key > after)
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-03-01T12:00:00.000Z</LastModified>"
            f"<ETag>{escape(_etag(self.place.objects[key]))}</ETag><Size>{len(self.place.objects[key])}</Size></Contents>"
            for key in keys[:PAGE]
        )
        more = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if len(keys) > PAGE else ""
        told = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}<KeyCount>{len(keys[:PAGE])}</KeyCount>{rows}"
        self._answer(200, f"<ListBucketResult><Name>{BUCKET}</Name>{told}</ListBucketResult>".encode())

    def _answer(self, status: int, body: bytes, about: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", **(about or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
