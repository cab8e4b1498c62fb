"""Writes docs/replies.md from the one table of replies: `python .ci/replies_page.py`."""

from __future__ import annotations

from gateway.core.reply import ALL, REFUSALS, Reply
from gateway.core.verdict import Reason

BEFORE = """\
# Replies

Everything the gateway says over SMTP. The tokens in brackets are the same in SMTP, on the command line, in the journal and in the
metrics; `ref=` quotes the journal entry: `gateway journal show REF` shows it, `gateway explain ADDRESS --stream S` tells why, with
the law.

- **5xx** is about the message, the order of the session, or a recorded decision: trying again changes nothing.
- **4xx** is a fault of ours or a matter of time: try again.
- `5.7.1` is policy, never a dead mailbox: a tool that reads it as a bounce is told how to stop that in [tools.md](tools.md). Only
  `[BOUNCED]` says `5.1.1`, of a mailbox that was reported dead, and the inbound listener, of an address that is none of ours.
- No reply holds an address. A provider's own answer is passed on as `CODE ENHANCED next-hop: text`.

This page is generated from `gateway/core/reply.py`: change it there, then run `make docs`.

## Refused recipients

The answer to one RCPT, or to the end of data when the facts changed meanwhile.

| reply | what helps |
|---|---|
"""

HELPS = {
    Reason.OPPOSED: "Nothing but a fresh act of the person; no import lifts an opposition. Take the address off the list.",
    Reason.COMPLAINED: "The same: this person reported your mail as spam.",
    Reason.BOUNCED: "If the mailbox works again, `gateway oppose remove` with a reason.",
    Reason.PENDING: "read the answer (`gateway task list`) and close the task: marketing goes on, or stops for good",
    Reason.NO_CONSENT: "Obtain consent for this purpose, then `gateway consent add` or `import`.",
    Reason.CONSENT_WITHDRAWN: "Only a consent given after the withdrawal.",
    Reason.CONSENT_UNPROVEN: "Import the consent again with what it lacks: when, by which act, under which wording.",
    Reason.PURPOSE: "A consent for the stream's purpose; or the stream that fits the consent.",
    Reason.B2B_RELEVANCE: "Record the person's professional function; set `relates_to` of the stream.",
    Reason.UNKNOWN_RECIPIENT: "Import the person with a basis, a source and its proof.",
    Reason.SOURCE_MISSING: "Record where the address came from.",
    Reason.PARTNER_NOT_NAMED: "Record the version of the partner list, naming this advertiser, that was shown to the person.",
    Reason.NOTICE_INCOMPLETE: "Configure what the first-contact notice lacks; `gateway explain` names it.",
    Reason.IDENTITY: "Send from a domain of the advertiser (`from_domains`).",
    Reason.CATEGORY: "Send advertising into a marketing stream; service mail promotes nothing and goes to few at a time.",
    Reason.RESTRICTED: "Nothing until the restriction is lifted (`gateway person restrict`).",
    Reason.MINOR: "Record the joint consent of a holder of parental authority.",
    Reason.IMPLIED_EXPIRED: "Obtain an express consent.",
    Reason.DOI_PENDING: "Wait for the person to confirm; the question can be sent again from the sign-up form.",
    Reason.SENSITIVE: "Obtain a consent in so many words (`explicit`), or do not aim by sensitive data.",
    Reason.TRANSFER_BEFORE_CONSENT: "Only a consent given before the address was passed on, or one given to you.",
    Reason.NOTICE_OVERDUE: "Give the notice by other means and record it; the address was received too long ago.",
    Reason.INACTIVE: "Only an act of the person: an order, a reply, a click, a renewed consent.",
    Reason.POSTAL_ADDRESS: "Set `postal_address` of the advertiser.",
    Reason.STREAM_PAUSED: "Find out why people complain, then `gateway stream resume STREAM --reason`.",
    Reason.STORE_DOWN: "Wait: nothing is sent on a guess. `/readyz` says what is wrong.",
}

ALL_BEFORE = """
## All replies

| reply | when |
|---|---|
"""


def page() -> str:
    """The whole page."""
    refused = "".join(f"| {shown(REFUSALS[reason])} | {HELPS[reason]} |\n" for reason in Reason)
    rest = "".join(f"| {shown(reply)} | {reply.when}{'; closes' if reply.close else ''} |\n" for reply in ALL)
    return BEFORE + refused + ALL_BEFORE + rest


def shown(reply: Reply) -> str:
    """A reply as it goes on the wire, without its reference."""
    return f"`{reply.line().decode().strip()}`"


if __name__ == "__main__":
    print(page(), end="")
