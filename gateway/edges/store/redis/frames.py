"""What many records share, kept once: everything of a consent but its dates, its person and its address, under its own digest.

A list of a million people quotes a handful of frames. Their digest is made of what they say, so a cached one is never stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from gateway.core.record import NO_PROOF, Audience, Basis, Consent, Covers, Proof, RelationKind, Traits
from gateway.core.record_json import parse_traits, parse_words, traits_text, words_text
from gateway.edges.store.redis.pack import PREFIX, Packed, packed, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.rows import sound
from gateway.flow.ports import Unavailable

FRAMES = PREFIX + "frames"
_DIGEST = 8
_KNOWN = 20_000
"""So many stay in memory; where each record has a frame of its own, the next look begins anew."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Frame:
    """What a record says that others may say too; `relation` and `by` are those of its relation, the dates left out."""

    advertiser: str
    purpose: str
    basis: Basis
    covers: Covers
    audience: Audience
    source: str
    action: str
    wording: str
    partner_list_version: str
    product_family: str
    missing: tuple[str, ...]
    traits: Traits
    relation: RelationKind | None
    by: str
    proof: Proof


def frame_of(one: Consent) -> tuple[bytes, bytes]:
    """The digest of a record's frame, and the frame's text; its first four columns say of which kind the record is."""
    return _framed(
        one.advertiser,
        one.purpose,
        one.basis.value,
        one.covers.value,
        one.audience.value,
        one.source,
        one.action,
        one.wording,
        one.partner_list_version,
        one.product_family,
        words_text(one.missing),
        traits_text(one.traits),
        one.relation.kind.value if one.relation else "",
        one.relation.by if one.relation else "",
        *_proof(one.proof),
    )


@lru_cache(maxsize=1024)
def _framed(*told: str) -> tuple[bytes, bytes]:
    text = packed(told)
    return sha256(text).digest()[:_DIGEST], text


def _proof(one: Proof) -> tuple[str, ...]:
    return (one.wording_id, one.form, one.presentation, one.language, one.writer, one.batch)


def parsed_frame(text: bytes) -> Frame:
    """The frame that `frame_of` gave as text; raises Unavailable for what is none."""
    try:
        told: Packed = [words(one) for one in unpacked(text)]
        (
            advertiser,
            purpose,
            basis,
            covers,
            audience,
            source,
            action,
            wording,
            version,
            family,
            missing,
            traits,
            kind,
            by,
            *proof,
        ) = told
        wording_id, form, presentation, language, writer, batch = proof
        return Frame(
            advertiser=advertiser,
            purpose=purpose,
            basis=Basis(basis),
            covers=Covers(covers),
            audience=Audience(audience),
            source=source,
            action=action,
            wording=wording,
            partner_list_version=version,
            product_family=family,
            missing=sound(parse_words(missing)),
            traits=sound(parse_traits(traits)),
            relation=RelationKind(kind) if kind else None,
            by=by,
            proof=Proof(wording_id, form, writer, batch, presentation, language) if any(proof) else NO_PROOF,
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise Unavailable("store") from error


class Frames:
    """The frames that this process has met."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._known: dict[bytes, Frame] = {}

    async def have(self, digests: Iterable[bytes]) -> Mapping[bytes, Frame] | None:
        """All of these and maybe more; None where one is kept no more, so what quoted it was erased."""
        wanted = set(digests)
        if len(self._known) > _KNOWN:
            self._known = {}  # who still reads from the old ones keeps them
        while missing := wanted.difference(self._known):
            some = sorted(missing)[:_AT_ONCE]
            for digest, text in zip(some, await self._reads.plain("HMGET", FRAMES, *some), strict=True):
                if text is None:
                    return None
                self._known[digest] = parsed_frame(text)
        return self._known
