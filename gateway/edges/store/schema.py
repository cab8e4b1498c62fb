"""The tables of `gateway.db` and of a spool file, one string per schema version: a step is only ever added, never edited.

Instants that are compared are integers (microseconds since 1970, UTC); those that are only shown keep the text they came with.
Tables hold what stands now; `since` is the stand of the commit that wrote a row. What ended is in the `_past` table beside it, true
for stands from `since` to before `until`; a consent only ever ends by `ended`, so it stays where it is. `outbox` holds what must
still be told, with the sealed address; what was told is in `told`, without it, so that millions of receipts are in nobody's way.
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
    """
    CREATE TABLE wording (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
    INSERT INTO wording (sha256, text) SELECT sha256(wording), wording FROM (SELECT DISTINCT wording FROM consent);

    CREATE TABLE consent_2 (
        id INTEGER PRIMARY KEY, person BLOB NOT NULL, advertiser TEXT NOT NULL, purpose TEXT NOT NULL, covers TEXT NOT NULL,
        audience TEXT NOT NULL, basis TEXT NOT NULL, source TEXT NOT NULL, collected_at TEXT, action TEXT NOT NULL,
        wording INTEGER NOT NULL, function TEXT NOT NULL, notice_sent_at TEXT, partner_list_version TEXT NOT NULL,
        product_family TEXT NOT NULL, professional_proof TEXT NOT NULL, missing TEXT NOT NULL, acquired_at TEXT, confirmed_at TEXT,
        relation TEXT NOT NULL, traits TEXT NOT NULL, withdrawn_at TEXT, recorded_at TEXT, proof TEXT NOT NULL,
        sealed_address BLOB NOT NULL, since INTEGER NOT NULL, ended INTEGER
    ) STRICT;
    INSERT INTO consent_2 SELECT
        id, person, advertiser, purpose, 'own', audience, basis, source, collected_at, action,
        (SELECT id FROM wording WHERE sha256 = sha256(consent.wording)), function, notice_sent_at, partner_list_version,
        product_family, professional_proof, iif(missing = '', '', json(missing)), NULL, NULL, '', '', withdrawn_at, recorded_at,
        '', sealed_address, 0, NULL
        FROM consent;
    DROP TABLE consent;
    ALTER TABLE consent_2 RENAME TO consent;
    CREATE INDEX consent_person ON consent (person);

    CREATE TABLE notice_2 (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL,
        template TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (person, advertiser, kind, source)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO notice_2 SELECT person, advertiser, 'first-contact', source, at, template, 0 FROM notice;
    DROP TABLE notice;
    ALTER TABLE notice_2 RENAME TO notice;
    CREATE TABLE notice_past (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL,
        template TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (person, advertiser, kind, source, since)
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE opposition ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE opposition_past (
        person BLOB NOT NULL, block TEXT NOT NULL, scope TEXT NOT NULL, advertiser TEXT NOT NULL, stream TEXT NOT NULL,
        door TEXT NOT NULL, at INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (person, block, scope, advertiser, stream, since)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE act (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, at INTEGER NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (person, advertiser)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE act_past (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, at INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (person, advertiser, since)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE partner_list (
        id INTEGER PRIMARY KEY, collector TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL, partners TEXT NOT NULL,
        reason TEXT NOT NULL, since INTEGER NOT NULL, UNIQUE (collector, version)
    ) STRICT;
    CREATE TABLE pause (stream TEXT PRIMARY KEY, at INTEGER NOT NULL, why TEXT NOT NULL, since INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE TABLE pause_past (
        stream TEXT NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (stream, since)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE stood (stand INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    INSERT INTO stood SELECT at, CAST(unixepoch('subsec') * 1000000 AS INTEGER) FROM mark WHERE name = 'stand';
    INSERT INTO mark SELECT 'history', at FROM mark WHERE name = 'stand';
    CREATE TABLE erased (person BLOB NOT NULL, advertiser TEXT NOT NULL, stand INTEGER NOT NULL, PRIMARY KEY (person, advertiser))
        STRICT, WITHOUT ROWID;

    CREATE TABLE transfer (
        id INTEGER PRIMARY KEY, person BLOB NOT NULL, collector TEXT NOT NULL, partner TEXT NOT NULL, purpose TEXT NOT NULL,
        list_version TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (person, partner, collector, purpose, list_version, at)
    ) STRICT;
    CREATE INDEX transfer_partner ON transfer (partner);

    CREATE TABLE ruling (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, text TEXT NOT NULL,
        at TEXT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX ruling_label ON ruling (label);

    CREATE TABLE enrolment (
        id BLOB PRIMARY KEY, person BLOB NOT NULL, stream TEXT NOT NULL, consents TEXT NOT NULL, sealed_address BLOB NOT NULL,
        asked_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, reminded_at INTEGER, confirmed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX enrolment_person ON enrolment (person);
    CREATE INDEX enrolment_asked ON enrolment (asked_at);

    CREATE TABLE tally (
        hour INTEGER NOT NULL, stream TEXT NOT NULL, provider TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (hour, stream, provider, what)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE api_key (
        name TEXT PRIMARY KEY, secret_sha256 BLOB NOT NULL, may TEXT NOT NULL, advertisers TEXT NOT NULL, created_at TEXT NOT NULL,
        expires_at TEXT, revoked_at TEXT
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE outbox RENAME TO outbox_1;
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, person BLOB NOT NULL, advertiser TEXT NOT NULL,
        scope TEXT NOT NULL, at INTEGER NOT NULL, errand TEXT NOT NULL, sealed_address BLOB NOT NULL, attempts INTEGER NOT NULL,
        due_at INTEGER NOT NULL, said TEXT NOT NULL, alarmed INTEGER NOT NULL
    ) STRICT;
    UPDATE sqlite_sequence SET name = 'outbox' WHERE name = 'outbox_1';
    INSERT INTO outbox SELECT
        min(id), partner, person, advertiser, scope, at, 'partner', coalesce((
            SELECT sealed_address FROM consent WHERE consent.person = outbox_1.person AND sealed_address != x''
            ORDER BY id DESC LIMIT 1
        ), x''), 0, at, '', 0
        FROM outbox_1 GROUP BY partner, person, advertiser, scope;
    DROP TABLE outbox_1;
    CREATE UNIQUE INDEX outbox_note ON outbox (person, partner, errand, advertiser, scope);
    CREATE INDEX outbox_partner ON outbox (partner, id);
    CREATE INDEX outbox_due ON outbox (due_at, id);

    CREATE TABLE told (
        id INTEGER PRIMARY KEY, partner TEXT NOT NULL, person BLOB NOT NULL, advertiser TEXT NOT NULL, scope TEXT NOT NULL,
        at INTEGER NOT NULL, errand TEXT NOT NULL, attempts INTEGER NOT NULL, said TEXT NOT NULL, alarmed INTEGER NOT NULL,
        told_at INTEGER NOT NULL, receipt TEXT NOT NULL, done INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX told_when ON told (told_at, id);
    CREATE INDEX told_partner ON told (partner, told_at, id);

    CREATE TABLE task (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, person BLOB NOT NULL, advertiser TEXT NOT NULL,
        stream TEXT NOT NULL, asks TEXT NOT NULL, note TEXT NOT NULL, opened_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
        reminded_at INTEGER, told_at INTEGER, closed_at INTEGER, closed_by TEXT NOT NULL, outcome TEXT NOT NULL,
        forgotten INTEGER NOT NULL, sealed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX task_open ON task (due_at, id) WHERE closed_at IS NULL;
    CREATE INDEX task_due ON task (due_at, id);
    CREATE INDEX task_person ON task (person);

    CREATE TABLE routes (
        person BLOB NOT NULL, stream TEXT NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (person, stream)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX routes_at ON routes (at);

    CREATE TABLE soft_run (
        person BLOB NOT NULL, advertiser TEXT NOT NULL, count INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (person, advertiser)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE remembered (key BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX remembered_at ON remembered (at);

    CREATE TABLE cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    INSERT INTO mark SELECT 'erased:' || value, 1 FROM json_each(
        '["consent", "wording", "notice", "notice_past", "act", "act_past", "enrolment", "own_unsubscribe", "kept"]'
    ) WHERE EXISTS (SELECT 1 FROM mark WHERE name = 'erased');
    DELETE FROM mark WHERE name = 'erased';
    """,
    """
    CREATE TABLE lease (
        name TEXT PRIMARY KEY, number INTEGER NOT NULL, owner TEXT NOT NULL, begun INTEGER NOT NULL, ends INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
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
    "ALTER TABLE message ADD COLUMN slip TEXT NOT NULL DEFAULT ''",
)
