-- What went over the wire, a minute at a time: when contacts were made the rows say as well, but not what was throttled.
CREATE TABLE minutes (
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    minute     INTEGER NOT NULL,               -- since 1970-01-01 UTC
    attempts   INTEGER NOT NULL,               -- that ended in this minute
    created    INTEGER NOT NULL,               -- of those
    throttled  INTEGER NOT NULL,
    unanswered INTEGER NOT NULL,
    rate       REAL NOT NULL,                  -- requests a second, as it was set or found by the end of the minute
    PRIMARY KEY (run_id, minute)
) STRICT, WITHOUT ROWID;

-- How long answers took: so many at most so many microseconds and more than those of the next lower number. Steps of 1%.
CREATE TABLE latencies (
    run_id       INTEGER NOT NULL REFERENCES runs (id),
    microseconds INTEGER NOT NULL,
    answers      INTEGER NOT NULL,
    PRIMARY KEY (run_id, microseconds)
) STRICT, WITHOUT ROWID;

-- The command that began a run, as a shell reads it, and the folder that it was given in: for doing the same again.
ALTER TABLE runs ADD COLUMN command TEXT;
ALTER TABLE runs ADD COLUMN folder TEXT;
