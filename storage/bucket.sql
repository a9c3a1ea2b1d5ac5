-- One bucket of the flow store: the records of one location whose start is in one stretch of time.
-- application_id and user_version are stamped by storage/bucket.c.

CREATE TABLE meta (
    location TEXT NOT NULL,    -- the location's name; also the directory's
    from_ms  INTEGER NOT NULL, -- least start a record here may have, Unix milliseconds UTC; also the file's name
    to_ms    INTEGER NOT NULL  -- starts are before this
);

CREATE TABLE chunk (
    id           INTEGER PRIMARY KEY, -- 1, 2, 3...; the last one is rewritten until it is full
    min_start_ms INTEGER NOT NULL,    -- least start among its records
    max_start_ms INTEGER NOT NULL,    -- greatest start
    min_end_ms   INTEGER NOT NULL,    -- least end
    max_end_ms   INTEGER NOT NULL,    -- greatest end
    flows        INTEGER NOT NULL,    -- how many records
    bloom        BLOB NOT NULL,       -- Bloom filter of addresses and ports, storage/bloom.h
    data         BLOB NOT NULL        -- the records, packed as storage/chunk.h says
);

-- Made by the first import into a bucket (storage/writer_commit.c):
-- CREATE TABLE import (
--     source  TEXT PRIMARY KEY, -- SHA-256 of the input, hexadecimal; with "+before" behind it, of what
--                               -- needs the templates of an earlier input
--     records INTEGER NOT NULL  -- the input's records are numbered from 0; of those below, all that belong here
--                               -- are stored
-- ) WITHOUT ROWID;
