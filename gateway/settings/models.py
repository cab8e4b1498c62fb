"""Every setting as a pydantic model; the descriptions are the source of docs/configuration.md.

A default here is the safe one (design 10). Secrets have no field: they come from files or the environment.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.core.model import Category, RefusalMode
from gateway.settings.archive import Archive
from gateway.settings.back import Bounces, Mailbox, Outward, ProviderEvents, Replies
from gateway.settings.backup import Backup
from gateway.settings.shared import Redis
from gateway.settings.table import Table
from gateway.settings.values import (
    CalendarSpan,
    Count,
    Country,
    Domain,
    Duration,
    FromFolder,
    Line,
    Link,
    Listen,
    ListenAt,
    Name,
    PeerNetwork,
    Port,
    Sender,
    Wording,
)

Switch = Annotated[bool, Field(strict=True)]
_MINUTE = timedelta(minutes=1)


class Gateway(Table):
    """The whole gateway: its public name, its folder, its store, its policy packs."""

    public_url: Link = Field(
        default="",
        description="Where recipients reach the [web] listener, for opt-out links; https beyond loopback. Empty: the listener.",
    )
    data_dir: FromFolder = Field(
        default=Path("var"), description="Folder of the database, the spool and the `keys` folder; only the gateway may read it."
    )
    store: Line = Field(
        default="sqlite",
        description='Where people and evidence are kept: "sqlite", or what many gateways share: "redis://HOST[:PORT]", '
        '"redis+sentinel://HOST,HOST/SERVICE", "redis+cluster://HOST,HOST"; "rediss" for TLS.',
    )
    policies: tuple[Name, ...] = Field(
        default=("fr",), min_length=1, description="Policy packs to load; a stream picks one by name."
    )
    policies_dir: FromFolder | None = Field(
        default=None, description="Folder of your own policy packs. Empty: those that come with the gateway."
    )
    templates_dir: FromFolder | None = Field(
        default=None, description="Folder of your own templates. Empty: those that come with the gateway."
    )
    workers: Annotated[int, Field(strict=True, ge=1, le=64)] = Field(default=1, description="Processes that share the listeners.")
    hostname: Line = Field(
        default="", description="Name said in the greeting, EHLO and Received. Empty: the machine's own full name."
    )
    fold_tags: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Whether `name+tag@domain` is the same person as `name@domain` (R-FR-65). Fix it before the first import.",
    )
    node: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] = Field(
        default="gw",
        description="Name of this gateway in evidence references; different on each machine that shares a store.",
    )
    resolver: tuple[ListenAt, ...] = Field(
        default=(), description='Name servers to ask about sending domains, "address:port". Empty: the system\'s.'
    )
    keep_mail: CalendarSpan = Field(
        default="P1Y", description="How long mail kept for a human (postmaster@, abuse@) stays, as a calendar duration (R-DP-10)."
    )


class Limits(Table):
    """How much one client may ask; the defaults are safe for every known tool. Bounds of a message's structure are fixed."""

    message_size: Count = Field(
        default=25 * 1024 * 1024, description="Octets of a message (SIZE); lowered to what the provider takes."
    )
    recipients: Count = Field(default=100, description="Accepted recipients of one message (RFC 5321 asks for 100 at least).")
    body_line: Count = Field(default=65536, description="Octets of a body line.")
    command_line: Count = Field(default=512, description="Octets of a command line, CRLF included.")
    path_line: Count = Field(default=1024, description="Octets of a MAIL or RCPT line.")
    errors: Count = Field(default=10, description="Errors in one session, then 421.")
    unknown_commands: Count = Field(default=5, description="Unknown commands in one session.")
    idle_commands: Count = Field(default=100, description="NOOP, RSET, VRFY and EHLO between two messages.")
    auth_failures: Count = Field(default=3, description="Failed logins on one connection.")
    messages: Count = Field(default=1000, description="Messages in one session.")
    connections: Count = Field(default=500, description="Sessions at once.")
    connections_per_client: Count = Field(default=200, description="Sessions at once from one address.")
    idle: Duration = Field(default=5 * _MINUTE, description="Longest wait for the next command.")
    data: Duration = Field(default=10 * _MINUTE, description="Longest time for the data of one message.")
    session: Duration = Field(default=30 * _MINUTE, description="Longest session.")


class Submission(Table):
    """Where mailing tools deliver; they always log in, beyond loopback only under TLS."""

    listen: ListenAt = Field(default=Listen("127.0.0.1", 2525), description="SMTP with STARTTLS when a certificate is set.")
    tls_listen: ListenAt | None = Field(
        default=None, description="SMTP with TLS from the first octet, usually port 465. Empty: none."
    )
    tls_cert: FromFolder | None = Field(default=None, description="PEM file of the certificate and its chain.")
    tls_key: FromFolder | None = Field(default=None, description="PEM file of its private key, mode 0600.")
    proxy_from: tuple[PeerNetwork, ...] = Field(
        default=(),
        description="Balancers, as addresses or networks: their connections must begin with a PROXY protocol header (v1 or v2),"
        " count as the client it names, and log in under TLS only. From others such a header is refused.",
    )
    limits: Limits = Field(default_factory=Limits, description="Limits of one client.")


class Inbound(Table):
    """Where recipients' `mailto:` opt-outs come back."""

    listen: ListenAt | None = Field(
        default=None, description="SMTP listener for mail coming back. Empty: none, and no mailto opt-out is offered."
    )
    domain: Domain | None = Field(
        default=None, description="Domain whose MX leads to this listener; opt-out addresses are made in it."
    )
    proxy_from: tuple[PeerNetwork, ...] = Field(
        default=(), description="Balancers whose connections begin with a PROXY protocol header, as in [submission]."
    )


class Web(Table):
    """Opt-out pages, health and metrics; in clear, so put a TLS proxy before it when it is public."""

    listen: ListenAt = Field(default=Listen("127.0.0.1", 8025), description="HTTP listener.")
    proxy_from: tuple[PeerNetwork, ...] = Field(
        default=(),
        description="TLS proxies or balancers, as addresses or networks, whose `X-Forwarded-For` and `X-Forwarded-Proto` are"
        " believed; from others both are ignored. List the proxies alone, not the network that their clients are in.",
    )


class Delivery(Table):
    """How mail goes on to the provider."""

    on_defer: Literal["spool", "return"] = Field(
        default="spool",
        description='When the provider defers one recipient\'s mail: keep it ("spool") or hand the tool the 4xx ("return").',
    )
    budget: Duration = Field(
        default=_MINUTE, description="How long a tool waits for the provider's verdict, before `on_defer` counts."
    )
    life: Duration = Field(
        default=24 * 60 * _MINUTE, description="How long kept mail is tried before the sender gets a failure notice."
    )
    retry: tuple[Duration, ...] = Field(
        default=(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, 60 * _MINUTE),
        min_length=1,
        description="Waits between attempts; the last one repeats.",
    )
    self_check: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01, description="Share of messages whose DKIM signature is verified before they leave (0 to 1)."
    )
    preflight: Literal["warn", "hold", "off"] = Field(
        default="warn",
        description='What the hourly look at the DNS of sending domains leads to: "warn"; "hold" refuses marketing mail that '
        'nobody could verify; "off" asks no name server.',
    )


class Upstream(Table):
    """A provider or relay that takes the mail that may leave."""

    host: Line = Field(min_length=1, description="Name or address of its SMTP server.")
    port: Port = Field(default=587, description="Its port.")
    tls: Literal["required", "opportunistic", "none"] = Field(
        default="required",
        description='"required", "opportunistic", or "none" (to loopback only); port 465 means TLS from the first octet.',
    )
    ca_file: FromFolder | None = Field(default=None, description="PEM file of the authorities to trust. Empty: the system's.")
    username: Line = Field(default="", description="Login. Empty: no authentication.")
    password_file: FromFolder | None = Field(
        default=None, description="File of the password, mode 0600; or `GATEWAY_UPSTREAM_<NAME>_PASSWORD`."
    )
    pool: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(default=20, description="Connections at most.")
    profile: Literal["auto", "plain", "ses"] = Field(
        default="auto",
        description='"ses" signs no field that Amazon SES rewrites (R-MBX-21); "auto" does so by the name of the host.',
    )
    country: Country = Field(
        default="", description="Where it processes the mail, ISO 3166-1 (`IE`): for the record of processing (GDPR 30, R-DP-25)."
    )


class DkimKey(Table):
    """One signing key, published at SELECTOR._domainkey of every from_domain."""

    selector: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")] = Field(description="Its selector.")
    key_file: FromFolder = Field(
        description="PEM file of the private key (RSA-2048 or Ed25519), mode 0600; see `gateway keys new`."
    )


class Advertiser(Table):
    """The legal entity for whose account mail is sent."""

    legal_name: Line = Field(min_length=1, description="Its full legal name, in the footer of every marketing mail.")
    postal_address: Line = Field(default="", description="Its postal address, in the footer (required for marketing, R-FR-71).")
    contact: Line = Field(
        default="", description="Mail address or telephone of a person who answers (required for marketing, R-FR-71)."
    )
    privacy_url: Link = Field(default="", description="Its privacy policy (required in a first-contact notice, R-FR-30).")
    dpo: Line = Field(default="", description="How to reach its data protection officer, if it has one.")
    from_domains: tuple[Domain, ...] = Field(min_length=1, description="Domains its From and envelope senders may use.")
    nonprofit: Switch = Field(default=False, description="Whether it is a charity or another non-commercial body (R-FR-14).")
    dkim: tuple[DkimKey, ...] = Field(default=(), description="Keys that sign its mail: [{ selector, key_file }].")
    sender: Sender = Field(
        default="",
        description="From of mail the gateway itself writes for it (confirmations, notices), in one of `from_domains`."
        " Empty: `contact` where that is such an address, else `contact@` the first of them.",
    )


class FormWords(Table):
    """What a sign-up form says in one language; a language without `wording_own` is not offered."""

    wording_own: Wording = Field(default="", description="Words beside the box for your own messages, kept as proof (R-FR-40).")
    wording_partners: Wording = Field(
        default="", description="Words beside the box for partners; the box is shown where a partner list is published (R-FR-21)."
    )
    wording_tracking: Wording = Field(default="", description="Words beside the box for open and click measuring (R-FR-76).")
    purposes: tuple[Line, ...] = Field(default=(), description="What the address will be used for, each in one sentence.")


class Form(Table):
    """The hosted sign-up page at /s/NAME; every sign-up is confirmed by mail (R-FR-43)."""

    enabled: Switch = Field(default=False, description="Whether the page exists.")
    wording_id: Line = Field(default="", description="Your name for this version of the wordings. Empty: a hash of them.")
    fr: FormWords = Field(default_factory=FormWords, description="French words.")
    en: FormWords = Field(default_factory=FormWords, description="English words.")


class Stream(Table):
    """One list or purpose of one advertiser: what a credential sends into."""

    advertiser: Name = Field(description="Its advertiser, an [advertiser.NAME].")
    category: Category = Field(default=Category.MARKETING, description='"marketing", or "transactional" for mail the person needs.')
    purpose: Line = Field(
        default="", description="The purpose people consented to, compared with their consents. Empty: the stream's name."
    )
    policy: Name | Literal[""] = Field(
        default="fr",
        description="Policy pack for people whose country no enabled pack names. Empty: the strictest enabled (R-PACK-01).",
    )
    upstream: Name = Field(description="Where its mail goes, an [upstream.NAME].")
    refusal: RefusalMode = Field(
        default=RefusalMode.REJECT,
        description='How tools hear a refusal: "reject" (550), "withhold" (250, not sent), "monitor" (sent, unless opposed).',
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = Field(
        default="fr", description="Language of notices when the message names none."
    )
    relates_to: tuple[Line, ...] = Field(
        default=(), description='Professional functions the stream concerns; "*" is every function (R-FR-08).'
    )
    product_families: tuple[Line, ...] = Field(
        default=(), description="Kinds of products it advertises, compared with what a customer bought (R-FR-06)."
    )
    sensitive: Switch = Field(
        default=False, description="Whether it is aimed by sensitive data (health, opinions...): explicit consent only (R-FR-18)."
    )
    double_optin: Switch = Field(default=False, description="Whether only confirmed sign-ups may be written to (R-FR-42).")
    form: Form = Field(default_factory=Form, description="Its sign-up page.")
    replies: Literal["", "capture", "mailbox", "off"] = Field(
        default="",
        description='How answers of people are read: "capture" puts a reply address in the inbound domain, "mailbox" reads the '
        'advertiser\'s own mailbox ([mailbox.NAME]), "off" leaves them alone. Empty: "capture" for marketing with an inbound '
        "domain.",
    )
    bounces: Literal["capture", "off"] = Field(
        default="off",
        description='"capture" makes failures come back to the inbound domain, and passes final ones on; "off" leaves the envelope '
        "sender as it is.",
    )
    mailbox: Sender = Field(
        default="",
        description="Where answers that people must read are passed on to. Empty: where the message itself asked for answers.",
    )


class Partner(Table):
    """An organisation that gave us addresses or receives some from us."""

    legal_name: Line = Field(min_length=1, description="Its full legal name, shown in notices as the source.")
    privacy_url: Link = Field(default="", description="Its privacy policy.")
    contact: Line = Field(default="", description="How to reach it.")
    webhook: Link = Field(default="", description="Where it is told about oppositions.")
    secret_file: FromFolder | None = Field(
        default=None, description="File of the secret that signs what it is told, mode 0600; or `GATEWAY_PARTNER_<NAME>_SECRET`."
    )
    hash_key_file: FromFolder | None = Field(
        default=None,
        description="File of the key for hashes of addresses, mode 0600; or `GATEWAY_PARTNER_<NAME>_HASH_KEY`. With it, oppositions"
        " travel as hashes (R-DP-24).",
    )
    role: Literal["receives", "provides", "both"] = Field(
        default="provides", description="Whether it receives addresses from us, provides them, or both."
    )
    country: Country = Field(default="", description="Where it is, ISO 3166-1 (`FR`): for the record of processing (R-DP-25).")


class Settings(Table):
    """The whole file."""

    gateway: Gateway = Field(default_factory=Gateway)
    submission: Submission = Field(default_factory=Submission)
    inbound: Inbound = Field(default_factory=Inbound)
    web: Web = Field(default_factory=Web)
    delivery: Delivery = Field(default_factory=Delivery)
    upstream: dict[Name, Upstream] = Field(default_factory=dict)
    advertiser: dict[Name, Advertiser] = Field(default_factory=dict)
    stream: dict[Name, Stream] = Field(default_factory=dict)
    partner: dict[Name, Partner] = Field(default_factory=dict)
    redis: Redis = Field(default_factory=Redis)
    archive: Archive = Field(default_factory=Archive)
    backup: Backup = Field(default_factory=Backup)
    outward: Outward = Field(default_factory=Outward)
    bounces: Bounces = Field(default_factory=Bounces)
    replies: Replies = Field(default_factory=Replies)
    provider: dict[Name, ProviderEvents] = Field(default_factory=dict)
    mailbox: dict[Name, Mailbox] = Field(default_factory=dict)

    @property
    def public_url(self) -> str:
        """Where recipients reach the pages, without a final slash."""
        return (self.gateway.public_url or f"http://{self.web.listen}").rstrip("/")
