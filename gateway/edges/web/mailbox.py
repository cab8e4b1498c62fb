"""A page that shows what a sink received: for the demo and for trying things out, never for real people's mail.

It renders untrusted HTML in a sandboxed frame without scripts or network; it is only ever bound to the sink.
"""

from __future__ import annotations

import html
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.edges.sink import Received, Sink

_STYLE = (
    ":root{color-scheme:light}*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem;color:#1d2430;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}"
    "table{border-collapse:collapse;width:100%;table-layout:fixed}td{overflow-wrap:anywhere}"
    "th:first-child{width:2.5rem}th:last-child{width:4.5rem}"
    "td,th{text-align:left;vertical-align:top;padding:.5rem .6rem .5rem 0;border-bottom:1px solid #d5dae2}"
    "pre{background:#f4f6f9;margin:0;padding:1rem;font-size:14px;white-space:pre-wrap;overflow-wrap:anywhere}"
    "iframe{display:block;width:100%;height:40rem;border:1px solid #d5dae2}a{color:#0b57a4}"
)
_LOOK = f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_INNER_FRAME = re.compile(r"<(?=(?:i|fenced)?frame)", re.IGNORECASE)
_NEW_TAB = '<base target="_blank">'


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
        return Response(sink.messages[number].data, media_type="text/plain; charset=utf-8", headers=_HEADERS)

    return Starlette(routes=[Route("/", index), Route("/{number:int}", show), Route("/{number:int}/raw", raw)])


def _row(number: int, received: Received) -> str:
    subject = html.escape(str(_parsed(received).get("Subject", "")))
    to = html.escape(received.recipient)
    return f'<tr><td>{number + 1}<td>{to}<td><a href="/{number}">{subject or "(none)"}</a><td>{len(received.data):,}</tr>'


def _message(received: Received) -> str:
    parsed = _parsed(received)
    parts = []
    for kind, title in (("html", "HTML"), ("plain", "Text")):
        part = parsed.get_body((kind,))
        if part is None:
            continue
        content = str(part.get_content())
        shown = f"<pre>{html.escape(content)}</pre>" if kind == "plain" else _frame(content)
        parts.append(f"<h2>{title}</h2>{shown}")
    head = received.data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    parts.append(f"<h2>Header</h2><pre>{html.escape(head)}</pre>")
    return '<p><a href="/">All messages</a></p>' + "".join(parts)


def _frame(content: str) -> str:
    """The HTML part behind glass: no script, form or fetch; a link opens beside the page, only when pressed.

    A frame within it shows as text: a browser would connect to its address before the policy stops it.
    """
    inert = _INNER_FRAME.sub("&lt;", content)
    sandbox = "allow-popups allow-popups-to-escape-sandbox"
    return f'<iframe sandbox="{sandbox}" title="HTML part" srcdoc="{html.escape(_NEW_TAB + inert)}"></iframe>'


def _parsed(received: Received) -> EmailMessage:
    return message_from_bytes(received.data, policy=policy.default)


def _page(title: str, body: str) -> HTMLResponse:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{_LOOK}'
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}", headers=_HEADERS)
