"""The tables of `gateway.db` and of a spool file, one string per schema version: a step is only ever added, never edited.

Instants that are compared are integers (microseconds since 1970, UTC); those that are only shown keep the text they came with.
"""

from __future__ import annotations

GATEWAY_STEPS = (
    """
    CREATE TABLE entry (
        writer TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL, person BLOB,
        PRIMARY KEY (writer, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_person ON entry (person) WHERE person IS NOT NULL;
    CREATE TABLE head (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE opposition (
        person BLOB NOT NULL, block TEXT NOT NULL, scope TEXT NOT NULL, advertiser TEXT NOT NULL, stream TEXT NOT NULL,
        door TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (person, block, scope, advertiser, stream)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE consent (
        id INTEGER PRIMARY KEY, person BLOB NOT NULL, advertiser TEXT NOT NULL, purpose TEXT NOT NULL, audience TEXT NOT NULL,
        basis TEXT NOT NULL, source TEXT NOT NULL, collected_at TEXT, action TEXT NOT NULL, wording TEXT NOT NULL,
        function TEXT NOT NULL, notice_sent_at TEXT, partner_list_version TEXT NOT NULL, product_family TEXT NOT NULL,
        professional_proof TEXT NOT NULL, withdrawn_at TEXT, missing TEXT NOT NULL, recorded_at TEXT, sealed_address BLOB NOT NULL
    ) STRICT;
    CREATE INDEX consent_person ON consent (person);

    CREATE TABLE notice (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL, template TEXT NOT NULL,
        PRIMARY KEY (person, advertiser, source)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE accepted (key BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX accepted_at ON accepted (at);

    CREATE TABLE own_unsubscribe (
        person BLOB NOT NULL, stream TEXT NOT NULL, sealed_header BLOB NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (person, stream)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tool (
        name TEXT PRIMARY KEY, secret_sha256 BLOB NOT NULL, streams TEXT NOT NULL, refusal TEXT, created_at TEXT NOT NULL,
        revoked_at TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, person BLOB NOT NULL, advertiser TEXT NOT NULL,
        scope TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE kept (id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, sealed_mail BLOB NOT NULL, at INTEGER NOT NULL) STRICT;

    CREATE TABLE mark (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """,
)

SPOOL_STEPS = (
    """
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, tool TEXT NOT NULL, stream TEXT NOT NULL, sender TEXT NOT NULL,
        smtputf8 INTEGER NOT NULL, eight_bit INTEGER NOT NULL, ret TEXT NOT NULL, envid TEXT NOT NULL,
        accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, sha256 BLOB NOT NULL, file TEXT, body BLOB
    ) STRICT;

    CREATE TABLE parcel (
        id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER NOT NULL, address TEXT NOT NULL, notify TEXT NOT NULL,
        orcpt TEXT NOT NULL, decision TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX parcel_due ON parcel (due_at, id);
    CREATE INDEX parcel_message ON parcel (message_id);
    """,
)
