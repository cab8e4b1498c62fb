"""What a person's mail asks for, all its signals taken together: to be left alone, whom, which rights, or nobody can say.

Pure; what is done about it is `flow.replies`' business.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.signal import Effect, Right, Signals, Told


@dataclass(frozen=True, slots=True)
class Asked:
    """`targets` are addresses named to be left alone, `domains` whole domains (without `@`); `unclear` only without opposition."""

    opposes: bool = False
    targets: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    unclear: bool = False

    @property
    def nothing(self) -> bool:
        """Whether people must answer it, and nothing follows from it by itself."""
        return not (self.opposes or self.rights or self.unclear)


def asked(signals: Signals) -> Asked:
    """What the signals of one mail ask for; opposition comes first, and ends every doubt (R-FR-59)."""
    will = [one for one in signals if one.told is Told.OPT_OUT or one.effect is Effect.SUPPRESS or Right.OBJECTION in one.rights]
    named = dict.fromkeys(one.target.strip() for one in will if one.target.strip())
    rights = dict.fromkeys(right for one in signals for right in one.rights)
    claims = rights or any(one.told is Told.RIGHTS_REQUEST for one in signals)
    alone = not will and any(one.told is Told.UNCLEAR or one.effect is Effect.PAUSE for one in signals)
    return Asked(
        opposes=bool(will),
        targets=tuple(one for one in named if not one.startswith("@")),
        domains=tuple(one[1:].lower() for one in named if one.startswith("@")),
        rights=tuple(rights) or ((Right.ACCESS,) if claims else ()),
        unclear=alone,
    )
