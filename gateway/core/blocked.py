"""Who must not be written to, whatever else is on record: the opposed, the restricted, the dead mailboxes (R-FR-01)."""

from __future__ import annotations

from gateway.core.model import Stream
from gateway.core.record import Block, Opposition, Scope
from gateway.core.verdict import Reason, Refuse

WILL = (Block.OPPOSED, Block.COMPLAINED, Block.RESTRICTED, Block.BOUNCED, Block.PENDING)
ONLY_DEAD = (Block.BOUNCED,)
_BLOCKED = {
    Block.OPPOSED: Refuse(Reason.OPPOSED, ("R-FR-01", "R-FR-63"), floor=True),
    Block.COMPLAINED: Refuse(Reason.COMPLAINED, ("R-FR-01", "R-FR-63"), floor=True),
    Block.RESTRICTED: Refuse(Reason.RESTRICTED, ("R-FR-01", "R-DP-15"), floor=True),
    Block.BOUNCED: Refuse(Reason.BOUNCED, ("R-FR-01", "R-MBX-14"), floor=True),
    Block.PENDING: Refuse(Reason.PENDING, ("R-FR-01", "R-FR-58"), floor=True),
}


def stops(stream: Stream, opposition: Opposition) -> bool:
    """Whether an opposition reaches this stream (R-FR-63)."""
    scope = opposition.scope
    if scope is Scope.ADVERTISER:
        return opposition.advertiser == stream.advertiser.name
    return scope is Scope.ALL or opposition.stream == stream.name


def blocked(stream: Stream, oppositions: tuple[Opposition, ...], blocks: tuple[Block, ...] = WILL) -> Refuse | None:
    """The refusal that those of these blocks lead to which reach the stream; the person's own will is told first."""
    return refusal_of({opposition.block for opposition in oppositions if stops(stream, opposition)}, blocks)


def refusal_of(found: set[Block], blocks: tuple[Block, ...] = WILL) -> Refuse | None:
    """The refusal the first of these blocks leads to (R-FR-01, R-FR-63, R-DP-15, R-MBX-14); None where there is none."""
    for block in blocks:
        if block in found:
            return _BLOCKED[block]
    return None
