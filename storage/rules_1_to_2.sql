-- rules.db from version 1 to 2: everything that is known of a session, its templates, and who is refused.
-- Columns are described in rules.sql. The views are made again from there afterwards.

ALTER TABLE exporter ADD COLUMN reordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN not_flows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN options INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN template_oldest_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN template_newest_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN sampling_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN active_timeout_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN inactive_timeout_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exporter ADD COLUMN flows_per_s REAL NOT NULL DEFAULT 0;

CREATE TABLE template (
    address TEXT NOT NULL,
    source_port INTEGER NOT NULL,
    domain INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id INTEGER NOT NULL,
    options BOOLEAN NOT NULL,
    defined_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (address, source_port, domain, version, id)
) WITHOUT ROWID;

ALTER TABLE service ADD COLUMN sessions_dropped INTEGER NOT NULL DEFAULT 0;

CREATE TABLE refused_sender (
    address TEXT PRIMARY KEY,
    datagrams INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 2;
