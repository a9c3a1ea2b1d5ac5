-- rules.db from version 2 to 3: periodic rules, which have no consequent; how lags lie; clusters.
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

PRAGMA user_version = 3;
