"""The do-it-yourself rewriter: what a developer writes with pymilter and the standard library in an afternoon, and writes well.

Runs under the system's Python (`python3-milter`). For one recipient a message it looks the address up among the suppressed, adds
the opt-out headers with an HMAC token, and puts a notice into text and HTML.
"""

import base64
import email
import email.policy
import hashlib
import hmac
import sqlite3
import sys
from email.message import EmailMessage

import Milter  # type: ignore[import-not-found]

SECRET = b"a secret that is long enough for an HMAC key"
TEXT = "\n--\nVous recevez ce message car vous l'avez demandé.\nSe désinscrire : {url}\n"
HTML = '<p style="font-size:12px">Vous recevez ce message car vous l\'avez demandé. <a href="{url}">Se désinscrire</a></p>'
FOUND = "SELECT 1 FROM suppressed WHERE address = ?"


class Rewriter(Milter.Base):  # type: ignore[misc]
    """One connection from Postfix; `database` is opened by `main`."""

    database = ""

    def __init__(self) -> None:
        self.id = Milter.uniqueID()
        self.people = sqlite3.connect(self.database, check_same_thread=False)

    def envfrom(self, sender: str, *_parameters: str) -> int:
        """A new message begins."""
        self.raw: list[bytes] = []
        self.recipient = ""
        return int(Milter.CONTINUE)

    def envrcpt(self, recipient: str, *_parameters: str) -> int:
        """Refuse the suppressed."""
        self.recipient = recipient.strip("<>").lower()
        if self.people.execute(FOUND, (self.recipient,)).fetchone():
            self.setreply("550", "5.7.1", "recipient opposed")
            return int(Milter.REJECT)
        return int(Milter.CONTINUE)

    @Milter.noreply  # type: ignore[untyped-decorator]
    def header(self, name: str, value: str) -> int:
        """Keep the header for the parser."""
        self.raw.append(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))
        return int(Milter.CONTINUE)

    @Milter.noreply  # type: ignore[untyped-decorator]
    def eoh(self) -> int:
        """The blank line."""
        self.raw.append(b"\r\n")
        return int(Milter.CONTINUE)

    @Milter.noreply  # type: ignore[untyped-decorator]
    def body(self, chunk: bytes) -> int:
        """Keep the body."""
        self.raw.append(chunk)
        return int(Milter.CONTINUE)

    def eom(self) -> int:
        """Rewrite the whole message."""
        token = base64.urlsafe_b64encode(hmac.new(SECRET, self.recipient.encode(), hashlib.sha256).digest()).decode().rstrip("=")
        url = f"https://stop.example.com/u/{token}"
        message = email.message_from_bytes(b"".join(self.raw), policy=email.policy.SMTP)
        assert isinstance(message, EmailMessage)
        for part in message.walk():
            add_notice(part, url)
        _, _, body = message.as_bytes().partition(b"\r\n\r\n")
        self.replacebody(body)
        if message["List-Unsubscribe"]:
            self.chgheader("List-Unsubscribe", 1, f"<{url}>")
        else:
            self.addheader("List-Unsubscribe", f"<{url}>")
        self.addheader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        return int(Milter.ACCEPT)

    def close(self) -> int:
        """The connection ends."""
        self.people.close()
        return int(Milter.CONTINUE)


def add_notice(part: EmailMessage, url: str) -> None:
    """Put the notice into a displayed text part."""
    if part.is_attachment():
        return
    if part.get_content_type() == "text/plain":
        part.set_content(part.get_content() + TEXT.format(url=url), cte="quoted-printable")
    elif part.get_content_type() == "text/html":
        html = part.get_content()
        at = html.lower().rfind("</body>")
        at = len(html) if at < 0 else at
        part.set_content(html[:at] + HTML.format(url=url) + html[at:], subtype="html", cte="quoted-printable")


def main(sock: str, database: str) -> None:
    """Serve milter requests on a unix socket until ended."""
    Rewriter.database = database
    Milter.factory = Rewriter
    Milter.set_flags(Milter.CHGBODY | Milter.ADDHDRS | Milter.CHGHDRS)
    Milter.runmilter("rewriter", f"unix:{sock}", 300)


if __name__ == "__main__":
    main(*sys.argv[1:])
