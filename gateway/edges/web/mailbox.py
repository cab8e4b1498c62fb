"""A page that shows what a sink received: for the demo and for trying things out, never for real people's mail.

It renders untrusted HTML in a sandboxed frame without scripts or network; it is only ever bound to the sink.
"""

from __future__ import annotations

import html
from email import message_from_bytes, policy
from email.message import EmailMessage

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.edges.sink import Received, Sink

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d5dae2}"
    "pre{background:#f4f6f9;padding:1rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
    "iframe{width:100%;height:32rem;border:1px solid #d5dae2}a{color:#0b57a4}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def mailbox(sink: Sink) -> Starlette:
    """The web page of one sink."""

    async def index(_: Request) -> Response:
        rows = [_row(number, received) for number, received in enumerate(sink.messages)]
        body = "".join(reversed(rows)) or "<tr><td colspan=4>Nothing has arrived yet.</td></tr>"
        return _page("What left", f"<table><tr><th>#<th>To<th>Subject<th>Size</tr>{body}</table>")

    async def show(request: Request) -> Response:
        number = request.path_params["number"]
        if not 0 <= number < len(sink.messages):
            return PlainTextResponse("No such message", 404)
        return _page(f"Message {number + 1}", _message(sink.messages[number]))

    async def raw(request: Request) -> Response:
        number = request.path_params["number"]
        if not 0 <= number < len(sink.messages):
            return PlainTextResponse("No such message", 404)
        return Response(sink.messages[number].data, media_type="text/plain; charset=utf-8")

    return Starlette(routes=[Route("/", index), Route("/{number:int}", show), Route("/{number:int}/raw", raw)])


def _row(number: int, received: Received) -> str:
    subject = html.escape(str(_parsed(received).get("Subject", "")))
    to = html.escape(received.recipient)
    return f'<tr><td>{number + 1}<td>{to}<td><a href="/{number}">{subject or "(none)"}</a><td>{len(received.data):,}</tr>'


def _message(received: Received) -> str:
    parsed = _parsed(received)
    head = received.data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    parts = [f"<h2>Header</h2><pre>{html.escape(head)}</pre>"]
    for kind, title in (("plain", "Text"), ("html", "HTML")):
        part = parsed.get_body((kind,))
        if part is None:
            continue
        content = str(part.get_content())
        shown = f"<pre>{html.escape(content)}</pre>" if kind == "plain" else _frame(content)
        parts.append(f"<h2>{title}</h2>{shown}")
    return "".join(parts) + '<p><a href="/">All messages</a></p>'


def _frame(content: str) -> str:
    return f'<iframe sandbox title="HTML part" srcdoc="{html.escape(content)}"></iframe>'


def _parsed(received: Received) -> EmailMessage:
    return message_from_bytes(received.data, policy=policy.default)


def _page(title: str, body: str) -> HTMLResponse:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}", headers=_HEADERS)
