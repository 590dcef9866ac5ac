-- The ledger of one import: one instance, operation and namespace.
-- Times are milliseconds since 1970-01-01 UTC. Digests are 16 bytes of SHA-256.

-- Whose ledger this is; exactly one row.
CREATE TABLE identity (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    instance_id   TEXT NOT NULL,
    operation     TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    key_columns   TEXT NOT NULL,               -- a JSON array; an empty one: the content is the key
    token_version INTEGER NOT NULL,
    shard         TEXT NOT NULL                -- such as '0/4'; empty: all rows
) STRICT;

-- The inputs: absolute paths, or '-' for standard input.
CREATE TABLE sources (
    id   INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
) STRICT;

-- The headers that records were read under: JSON arrays of column names.
CREATE TABLE headers (
    id      INTEGER PRIMARY KEY,
    columns TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY,
    version         TEXT NOT NULL,             -- of connect-import
    mapping         BLOB NOT NULL CHECK (length(mapping) = 16),
    rate            REAL NOT NULL CHECK (rate > 0),
    started_ms      INTEGER NOT NULL,
    -- What the check of the input found.
    rows_read       INTEGER NOT NULL DEFAULT 0,
    already_created INTEGER NOT NULL DEFAULT 0,
    changed_created INTEGER NOT NULL DEFAULT 0, -- of those, with other content than was sent
    identical_rows  INTEGER NOT NULL DEFAULT 0, -- without a key: rows equal to an earlier one
    withdrawn       INTEGER NOT NULL DEFAULT 0, -- waiting rows that their file holds no longer
    checked         INTEGER NOT NULL DEFAULT 0 CHECK (checked IN (0, 1)),
    -- What the wire said.
    throttled       INTEGER NOT NULL DEFAULT 0,
    sending_ms      INTEGER,                    -- the first request of the run
    ended_ms        INTEGER,
    ending          TEXT,                       -- how the run ended; NULL while it runs, or died
    exit_code       INTEGER,                    -- NULL while it runs, or died
    commits         INTEGER NOT NULL DEFAULT 0, -- transactions of the run; the lock file records the last one
    is_auto         INTEGER NOT NULL DEFAULT 0 CHECK (is_auto IN (0, 1)), -- 1: rate auto; `rate` is its start value
    rate_found      REAL CHECK (rate_found > 0),-- requests a second, found by rate auto; the next such run starts here
    command         TEXT,                       -- the command line, quoted for a shell
    folder          TEXT,                       -- its working folder
    last_ms         INTEGER,                    -- the last commit
    recorded_ms     INTEGER,                    -- `minutes` is complete up to here
    held_back       INTEGER,                    -- pending rows left out by --limit; NULL until the input was read
    CHECK ((ended_ms IS NULL) = (ending IS NULL))
) STRICT;

CREATE TABLE rows (
    id            INTEGER PRIMARY KEY,
    token         BLOB NOT NULL CHECK (length(token) = 16),
    key           TEXT NOT NULL,               -- as people see it
    source_id     INTEGER NOT NULL REFERENCES sources (id),
    header_id     INTEGER NOT NULL REFERENCES headers (id),
    line          INTEGER NOT NULL CHECK (line > 0),
    content       BLOB NOT NULL CHECK (length(content) = 16),
    -- The last run that saw the row. Rows that were created before are not touched again.
    run_id        INTEGER NOT NULL REFERENCES runs (id),
    -- SQLite makes a table of its own for every IN of three values and more, each time that it holds a row against it.
    state         TEXT NOT NULL
                  CHECK (state = 'pending' OR state = 'in_flight' OR state = 'created'
                         OR state = 'rejected' OR state = 'failed' OR state = 'unknown'),
    -- 1 while an earlier attempt went unanswered: a contact may exist.
    may_exist     INTEGER NOT NULL DEFAULT 0 CHECK (may_exist = 0 OR may_exist = 1),
    attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    first_sent_ms INTEGER,
    last_sent_ms  INTEGER,
    -- The first of the attempts that may have created the contact; while may_exist or in flight.
    doubt_ms      INTEGER,
    contact_id    TEXT,
    contact_arn   TEXT,
    code          TEXT,                        -- of the last error
    message       TEXT,                        -- of the last error; never a name, description or value
    record        TEXT,                        -- the original cells as a JSON array, until created
    -- What the row was sent with last: 8 bytes of SHA-256 of its name, then 8 of its attributes, salted with its token.
    sent          BLOB CHECK (sent IS NULL OR length(sent) = 16),
    CHECK ((state = 'created') = (contact_id IS NOT NULL)),
    CHECK ((state = 'created') = (record IS NULL)),
    CHECK (state <> 'in_flight' OR (attempts > 0 AND last_sent_ms IS NOT NULL)),
    CHECK ((state <> 'in_flight' AND may_exist = 0) OR doubt_ms IS NOT NULL),
    -- What is said to be surely not created must not be in doubt; what is unknown must be.
    CHECK (may_exist = 0 OR state = 'pending' OR state = 'in_flight' OR state = 'unknown'),
    CHECK (state <> 'unknown' OR may_exist = 1),
    CHECK ((state <> 'rejected' AND state <> 'failed' AND state <> 'unknown') OR code IS NOT NULL)
) STRICT;

-- One row a token: a second request with the token of another row is impossible.
CREATE UNIQUE INDEX rows_by_token ON rows (token);

-- Rows that are not created, which are those that have a record. A row's state is left out: it changes with every
-- attempt, and this does not.
CREATE INDEX rows_not_created ON rows (run_id, id) WHERE record IS NOT NULL;

-- Rows in doubt are few and are sent first, while their tokens are young.
CREATE INDEX rows_in_doubt ON rows (id) WHERE may_exist = 1;

-- The first row of a cause, for showing it as an example.
CREATE INDEX rows_by_cause ON rows (state, code, id)
WHERE state = 'rejected' OR state = 'failed' OR state = 'unknown';

-- Readings of an input that were begun and have not come to the input's end. What such a reading entered may be
-- wrong, so it is not sent unless the input brings it up again. A reading that is complete is taken out.
CREATE TABLE open_readings (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- What a reading of an input found when it came to the input's end, so that rows can be accounted for file by file.
CREATE TABLE readings (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    rows      INTEGER NOT NULL CHECK (rows >= 0),      -- in the input
    elsewhere INTEGER NOT NULL CHECK (elsewhere >= 0), -- of those, rows of other shards, which this ledger has not
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- How many rows of each state there are, by the last run that saw them, so that nobody has to count ten million rows.
-- Rows that are rejected, failed or unknown are counted by their cause as well; for others the code is empty. The
-- triggers keep the numbers, in the transaction of whatever changes a row.
CREATE TABLE tallies (
    run_id INTEGER NOT NULL REFERENCES runs (id),
    state  TEXT NOT NULL,
    code   TEXT NOT NULL,
    rows   INTEGER NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (run_id, state, code)
) STRICT, WITHOUT ROWID;

-- The writer adds up what befalls the rows of its run, and writes that down once a transaction: a trigger for every row
-- is dearer than the row itself. Only statements that take rows from one run to another are counted by one.
CREATE TRIGGER rows_change_runs AFTER UPDATE OF run_id ON rows
WHEN new.run_id <> old.run_id OR new.state <> old.state OR new.code IS NOT old.code
BEGIN
    UPDATE tallies SET rows = rows - 1
    WHERE run_id = old.run_id AND state = old.state
        AND code = CASE old.state WHEN 'rejected' THEN old.code WHEN 'failed' THEN old.code
                   WHEN 'unknown' THEN old.code ELSE '' END;
    INSERT INTO tallies (run_id, state, code, rows)
    VALUES (new.run_id, new.state,
            CASE new.state WHEN 'rejected' THEN new.code WHEN 'failed' THEN new.code WHEN 'unknown' THEN new.code
            ELSE '' END, 1)
    ON CONFLICT DO UPDATE SET rows = rows + 1;
END;

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
