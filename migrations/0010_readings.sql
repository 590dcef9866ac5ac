-- What a reading of an input found when it came to the input's end, so that rows can be accounted for file by file.
CREATE TABLE readings (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    rows      INTEGER NOT NULL CHECK (rows >= 0),      -- in the input
    elsewhere INTEGER NOT NULL CHECK (elsewhere >= 0), -- of those, rows of other shards, which this ledger has not
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- Which part of the rows the ledger has, such as '0/4'; empty: all of them.
ALTER TABLE identity ADD COLUMN shard TEXT NOT NULL DEFAULT '';
