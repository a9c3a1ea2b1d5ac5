-- rules.db from version 3 to 4: how long a known rule rests, as over night and at weekends.
-- Columns are described in rules.sql.

ALTER TABLE rule ADD COLUMN hit_ms INTEGER;
ALTER TABLE rule ADD COLUMN rest_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN told_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN awake_both INTEGER;
ALTER TABLE rule ADD COLUMN awake_first INTEGER;
ALTER TABLE rule ADD COLUMN awake_second INTEGER;
ALTER TABLE rule ADD COLUMN mended_ms INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 4;
