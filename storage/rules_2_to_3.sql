-- rules.db from version 2 to 3: periodic rules, which have no consequent; how lags lie; clusters; alerts of a whole
-- cluster; how whole the data are; the outbox.
-- Columns are described in rules.sql. The views are made again from there afterwards. Foreign keys are off while
-- a file is brought up, and other tables go on naming `figures`.

PRAGMA legacy_alter_table = ON;

CREATE TABLE figures_3 (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    both BOOLEAN NOT NULL,
    antecedent_client TEXT NOT NULL,
    antecedent_client_port TEXT NOT NULL,
    antecedent_server TEXT NOT NULL,
    antecedent_server_port TEXT NOT NULL,
    antecedent_protocol INTEGER NOT NULL,
    consequent_client TEXT,
    consequent_client_port TEXT,
    consequent_server TEXT,
    consequent_server_port TEXT,
    consequent_protocol INTEGER,
    evidence TEXT NOT NULL CHECK (evidence IN ('start', 'during', 'periodic')),
    present TEXT CHECK (present IN ('antecedent', 'consequent')),
    confidence REAL NOT NULL,
    reverse_confidence REAL NOT NULL,
    lift REAL NOT NULL,
    score REAL NOT NULL,
    n_antecedent INTEGER NOT NULL,
    n_consequent INTEGER NOT NULL,
    n_both INTEGER NOT NULL,
    n_windows INTEGER NOT NULL,
    expected REAL NOT NULL,
    q_value REAL NOT NULL,
    log10_p REAL NOT NULL,
    lag_ms INTEGER NOT NULL,
    lag_spread_ms INTEGER NOT NULL,
    clock TEXT,
    hosts INTEGER NOT NULL,
    instances INTEGER NOT NULL,
    lag_histogram TEXT,
    period_ms INTEGER,
    period_spread_ms INTEGER,
    missed INTEGER,
    CHECK ((evidence = 'periodic') = (consequent_client IS NULL))
);
INSERT INTO figures_3 SELECT *, NULL, NULL, NULL, NULL FROM figures;
DROP TABLE figures;
ALTER TABLE figures_3 RENAME TO figures;

CREATE TABLE example_3 (
    figures_id INTEGER NOT NULL REFERENCES figures (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    antecedent_client TEXT NOT NULL,
    antecedent_client_port TEXT NOT NULL,
    antecedent_server TEXT NOT NULL,
    antecedent_server_port TEXT NOT NULL,
    consequent_client TEXT,
    consequent_client_port TEXT,
    consequent_server TEXT,
    consequent_server_port TEXT,
    PRIMARY KEY (figures_id, position)
) WITHOUT ROWID;
INSERT INTO example_3 SELECT * FROM example;
DROP TABLE example;
ALTER TABLE example_3 RENAME TO example;

CREATE TABLE alert_3 (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    location TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('novel', 'broken', 'data')),
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    state TEXT NOT NULL CHECK (state IN ('open', 'acked', 'closed')),
    opened_ms INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    acked_ms INTEGER,
    closed_ms INTEGER,
    rule_id INTEGER REFERENCES rule (id) ON DELETE SET NULL,
    cluster_id INTEGER REFERENCES cluster (id) ON DELETE SET NULL,
    subject TEXT,
    rule TEXT,
    novelty TEXT,
    rules INTEGER NOT NULL,
    text TEXT NOT NULL,
    why TEXT NOT NULL,
    note TEXT,
    author TEXT
);
INSERT INTO alert_3
SELECT a.id, l.name, a.kind, a.severity, a.state, a.opened_ms, a.made_ms, ifnull(a.closed_ms, a.made_ms), NULL,
       a.closed_ms, a.rule_id, NULL, NULL, a.rule, a.novelty, a.state <> 'closed', a.text,
       'Opened by an earlier flowlore, which did not say why.', a.note, NULL
FROM alert a
JOIN location l ON l.id = a.location_id;
DROP TABLE alert;
ALTER TABLE alert_3 RENAME TO alert;
CREATE INDEX alert_state ON alert (state, id);
CREATE INDEX alert_cluster ON alert (cluster_id, state);
CREATE INDEX alert_of_rule ON alert (rule_id);
CREATE UNIQUE INDEX alert_subject ON alert (subject) WHERE state IN ('open', 'acked');

CREATE TABLE alert_member (
    alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    rule_id INTEGER NOT NULL REFERENCES rule (id) ON DELETE CASCADE,
    PRIMARY KEY (alert_id, rule_id)
) WITHOUT ROWID;
CREATE INDEX alert_member_rule ON alert_member (rule_id, alert_id);
INSERT INTO alert_member SELECT id, rule_id FROM alert WHERE rule_id IS NOT NULL;

PRAGMA legacy_alter_table = OFF;

CREATE TABLE cluster (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    location_id INTEGER NOT NULL REFERENCES location (id),
    name TEXT NOT NULL,
    form TEXT NOT NULL,
    rules INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    score REAL NOT NULL
);
CREATE INDEX cluster_location ON cluster (location_id);
ALTER TABLE rule ADD COLUMN cluster_id INTEGER REFERENCES cluster (id);
CREATE INDEX rule_cluster ON rule (cluster_id);
CREATE INDEX coverage_decision ON coverage (decision_id);
DROP INDEX decision_pattern;
CREATE INDEX decision_pattern ON decision (pattern, location) WHERE pattern IS NOT NULL;
DROP INDEX rule_shape;
CREATE INDEX rule_shape ON rule (shape, location_id);
ALTER TABLE rule ADD COLUMN found_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN held BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN held_why TEXT;
ALTER TABLE rule ADD COLUMN recheck_ms INTEGER;
ALTER TABLE rule ADD COLUMN recheck_antecedent INTEGER;
ALTER TABLE rule ADD COLUMN recheck_consequent INTEGER;
ALTER TABLE rule ADD COLUMN recheck_both INTEGER;
UPDATE rule SET found_ms = first_seen_ms;

ALTER TABLE location ADD COLUMN gone_after_ms INTEGER NOT NULL DEFAULT 604800000;
ALTER TABLE location ADD COLUMN learning_until_ms INTEGER;
ALTER TABLE location ADD COLUMN relearn_until_ms INTEGER;
ALTER TABLE run ADD COLUMN unclean TEXT;

CREATE TABLE quality (
    location TEXT NOT NULL,
    hour_ms INTEGER NOT NULL,
    flows INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    shed INTEGER NOT NULL,
    sampling_changes INTEGER NOT NULL,
    clock_jumps INTEGER NOT NULL,
    PRIMARY KEY (location, hour_ms)
) WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL,
    alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('opened', 'grown', 'closed')),
    made_ms INTEGER NOT NULL
);
CREATE INDEX event_alert ON event (alert_id);
CREATE TABLE sink (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    off BOOLEAN NOT NULL DEFAULT 0,
    seen_id INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    error_ms INTEGER,
    next_ms INTEGER,
    last_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE delivery (
    sink TEXT NOT NULL REFERENCES sink (name) ON DELETE CASCADE,
    event_id INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    done_ms INTEGER,
    PRIMARY KEY (sink, event_id)
) WITHOUT ROWID;
CREATE INDEX delivery_event ON delivery (event_id);
CREATE INDEX delivery_waiting ON delivery (sink, attempts / 8, event_id) WHERE state = 'waiting';
INSERT INTO sink (name, kind, seen_id, delivered)
SELECT 'file', 'file', 0, (SELECT count(*) FROM alert WHERE id <= ifnull((SELECT alert_id FROM sink_position WHERE sink = 'file'), 0));
INSERT INTO event (uid, alert_id, kind, made_ms)
SELECT lower(hex(randomblob(16))), id, 'opened', made_ms
FROM alert
WHERE id > ifnull((SELECT alert_id FROM sink_position WHERE sink = 'file'), 0)
ORDER BY id;
DROP TABLE sink_position;

CREATE TRIGGER alert_opened AFTER INSERT ON alert WHEN NEW.state = 'open' BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, 'opened', CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;
CREATE TRIGGER alert_grown AFTER UPDATE OF rules ON alert WHEN NEW.state <> 'closed' AND NEW.rules > OLD.rules BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, 'grown', CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;
CREATE TRIGGER alert_closed AFTER UPDATE OF state ON alert WHEN (NEW.state = 'closed') <> (OLD.state = 'closed') BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, iif(NEW.state = 'closed', 'closed', 'opened'),
            CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;

PRAGMA user_version = 3;
