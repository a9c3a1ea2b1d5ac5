-- rules.db from version 3 to 4: how long a known rule rests, as over night and at weekends, and why one is known
-- that nobody decided upon.
-- Columns are described in rules.sql.

ALTER TABLE rule ADD COLUMN hit_ms INTEGER;
ALTER TABLE rule ADD COLUMN rest_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN rest_before_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN rest_fortnight INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN missed_first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN missed_second INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN missed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN told_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN told_from_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN awake_both INTEGER;
ALTER TABLE rule ADD COLUMN awake_first INTEGER;
ALTER TABLE rule ADD COLUMN awake_second INTEGER;
ALTER TABLE rule ADD COLUMN mended_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rule ADD COLUMN known_why TEXT;

PRAGMA user_version = 4;
