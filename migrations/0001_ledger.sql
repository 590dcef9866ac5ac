-- The ledger of one import: one instance, operation and namespace.
-- Times are milliseconds since 1970-01-01 UTC. Digests are 16 bytes of SHA-256.

-- The import that the ledger belongs to; exactly one row.
CREATE TABLE identity (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    instance_id   TEXT NOT NULL,
    operation     TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    key_columns   TEXT NOT NULL,                -- JSON array of columns and templates; empty: the whole content is the key
    key_compare   TEXT NOT NULL CHECK (key_compare = 'trim' OR key_compare = 'exact'),
    token_version INTEGER NOT NULL,
    shard         TEXT NOT NULL,                -- such as '0/4'; empty: all rows
    nonce         INTEGER NOT NULL              -- of the last run or verification; 0: none yet
) STRICT;

-- Inputs: absolute paths, or '-' for standard input.
CREATE TABLE sources (
    id   INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
) STRICT;

-- Headers of the inputs: JSON arrays of column names.
CREATE TABLE headers (
    id      INTEGER PRIMARY KEY,
    columns TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY,
    nonce           INTEGER NOT NULL,           -- random; the lock file repeats it, which tells copies of a ledger apart
    version         TEXT NOT NULL,              -- of connect-import
    command         TEXT NOT NULL,              -- command line, quoted for a shell
    folder          TEXT NOT NULL,              -- working folder
    verify          TEXT,                       -- command line that verifies the ledger; NULL if its contacts end with the run
    name            TEXT,                       -- of the job, for people
    accept          TEXT NOT NULL DEFAULT '[]', -- JSON array: rows rejected with one of these codes are accepted
    -- Where the requests go, and on whose behalf. NULL if it is not known.
    endpoint        TEXT,                       -- host, and port if it is not the scheme's
    region          TEXT,
    account         TEXT,                       -- of the credentials
    caller          TEXT,                       -- ARN of the credentials' identity
    -- Digest of the rejects file that the run wrote, committed before the file was in place. NULL: none.
    rejects         BLOB CHECK (rejects IS NULL OR length(rejects) = 16),
    mapping         BLOB NOT NULL CHECK (length(mapping) = 16),
    rate            REAL NOT NULL CHECK (rate > 0), -- requests per second; with is_auto the start value
    is_auto         INTEGER NOT NULL CHECK (is_auto IN (0, 1)),
    rate_found      REAL CHECK (rate_found > 0),    -- requests per second, found by rate auto; the next such run starts here
    started_ms      INTEGER NOT NULL,
    sending_ms      INTEGER,                    -- first request
    last_ms         INTEGER NOT NULL,           -- last commit
    recorded_ms     INTEGER,                    -- `minutes` is complete up to here
    commits         INTEGER NOT NULL DEFAULT 0, -- transactions; the lock file records the number of the last one
    -- Result of reading the inputs.
    rows_read       INTEGER NOT NULL DEFAULT 0,
    other_shards    INTEGER NOT NULL DEFAULT 0, -- of the rows read
    passed_over     INTEGER NOT NULL DEFAULT 0, -- of the others: the job's condition does not select them
    already_created INTEGER NOT NULL DEFAULT 0,
    changed_created INTEGER NOT NULL DEFAULT 0, -- of those, with other content than was sent
    identical_rows  INTEGER NOT NULL DEFAULT 0, -- without a key: rows equal to an earlier one
    held_back       INTEGER,                    -- pending rows left out by --limit; NULL until the inputs were read
    -- Result of sending; NULL while the run lasts, or if it died.
    throttled       INTEGER NOT NULL DEFAULT 0, -- attempts
    ended_ms        INTEGER,
    ending          TEXT,
    exit_code       INTEGER,
    CHECK ((ended_ms IS NULL) = (ending IS NULL))
) STRICT;

CREATE TABLE rows (
    id             INTEGER PRIMARY KEY,
    token          BLOB NOT NULL CHECK (length(token) = 16),
    key            TEXT NOT NULL,               -- as shown to people
    source_id      INTEGER NOT NULL REFERENCES sources (id),
    header_id      INTEGER NOT NULL REFERENCES headers (id),
    line           INTEGER NOT NULL CHECK (line > 0),
    content        BLOB NOT NULL CHECK (length(content) = 16),
    -- The last run that read or sent the row. A row that was created before stays with its run.
    run_id         INTEGER NOT NULL REFERENCES runs (id),
    -- Not IN: SQLite builds a table for every IN of three values or more, each time it checks a row.
    state          TEXT NOT NULL
                   CHECK (state = 'pending' OR state = 'in_flight' OR state = 'created'
                          OR state = 'rejected' OR state = 'failed' OR state = 'unknown'
                          OR state = 'accepted' OR state = 'withdrawn'),
    -- 1: in doubt. An earlier attempt is unanswered, so a contact may exist.
    may_exist      INTEGER NOT NULL DEFAULT 0 CHECK (may_exist = 0 OR may_exist = 1),
    -- 1: the row was unknown, and `--retry unknown` sends it again. 0 again from its next attempt, or from the run's end.
    operator_retry INTEGER NOT NULL DEFAULT 0 CHECK (operator_retry = 0 OR operator_retry = 1),
    attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    first_sent_ms  INTEGER,
    last_sent_ms   INTEGER,
    -- The first attempt that may have created the contact; while the row is in doubt or in flight.
    doubt_ms       INTEGER,
    contact_id     TEXT,
    contact_arn    TEXT,
    contact_hash   INTEGER,                     -- 8 bytes of SHA-256 of contact_id
    code           TEXT,                        -- of the last error
    message        TEXT,                        -- of the last error; without sensitive values of the row
    full_message   TEXT,                        -- the same with them, if it has any; for the rejects file, until the row is created
    record         TEXT,                        -- original cells as a JSON array, until the row is created
    -- Of the last attempt: 8 bytes of SHA-256 of the name, then 8 of the attributes, salted with the token.
    request_digest BLOB CHECK (request_digest IS NULL OR length(request_digest) = 16),
    CHECK ((state = 'created') = (contact_id IS NOT NULL)),
    CHECK ((state = 'created') = (record IS NULL)),
    CHECK (full_message IS NULL OR (record IS NOT NULL AND message IS NOT NULL)),
    CHECK (state <> 'in_flight' OR (attempts > 0 AND last_sent_ms IS NOT NULL)),
    CHECK ((state <> 'in_flight' AND may_exist = 0) OR doubt_ms IS NOT NULL),
    -- A row in doubt is never rejected or failed, which say that no contact was created.
    CHECK (may_exist = 0 OR state = 'pending' OR state = 'in_flight' OR state = 'unknown'),
    CHECK (state <> 'unknown' OR may_exist = 1),
    CHECK (operator_retry = 0 OR (state = 'pending' AND may_exist = 1)),
    CHECK ((state <> 'rejected' AND state <> 'accepted' AND state <> 'failed' AND state <> 'unknown') OR code IS NOT NULL)
) STRICT;

-- One row per token, so that no two rows are sent with the same token.
CREATE UNIQUE INDEX rows_by_token ON rows (token);

-- Rows that are not created: those with a record. Without the state, which every attempt would change in the index.
CREATE INDEX rows_not_created ON rows (run_id, id) WHERE record IS NOT NULL;

-- Rows in doubt are few, and are sent first, before their tokens are too old.
CREATE INDEX rows_in_doubt ON rows (id) WHERE may_exist = 1;

-- Finds a row that was given the contact of another row.
CREATE INDEX rows_by_contact ON rows (contact_hash) WHERE contact_hash IS NOT NULL;

-- The first row of an error code, which is shown as its example.
CREATE INDEX rows_by_cause ON rows (state, code, id)
WHERE state = 'rejected' OR state = 'failed' OR state = 'unknown' OR state = 'accepted';

-- Forms that rows had before they were mended in a rejects file, and the rows that they are now. An input that
-- still has such a row has the mended one.
CREATE TABLE mended_rows (
    id      INTEGER PRIMARY KEY,                -- of a row that was mended several times, the first form comes first
    token   BLOB NOT NULL CHECK (length(token) = 16),
    content BLOB NOT NULL CHECK (length(content) = 16),
    row_id  INTEGER NOT NULL REFERENCES rows (id),
    -- Why the mended row is withdrawn from this ledger. NULL if it is not.
    left_to TEXT CHECK (left_to = 'other_shard' OR left_to = 'passed_over'),
    UNIQUE (token, content)
) STRICT;

CREATE INDEX mended_rows_by_row ON mended_rows (row_id);

CREATE INDEX mended_rows_by_content ON mended_rows (content);

-- Created rows that have the contact of another row.
CREATE TABLE shared_contacts (
    row_id INTEGER PRIMARY KEY REFERENCES rows (id),
    run_id INTEGER REFERENCES runs (id)         -- that found it; NULL: `verify`
) STRICT;

-- Scans of an input that have not reached its end. Their rows may be wrong and are not sent, unless the input is read
-- again. A scan that reaches the end is deleted here.
CREATE TABLE unfinished_scans (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- Scans of an input that reached its end, for accounting for the rows of each file.
CREATE TABLE source_scans (
    run_id       INTEGER NOT NULL REFERENCES runs (id),
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    rows         INTEGER NOT NULL CHECK (rows >= 0),         -- in the input
    other_shards INTEGER NOT NULL CHECK (other_shards >= 0), -- of those, rows that other shards' ledgers have
    passed_over  INTEGER NOT NULL CHECK (passed_over >= 0),  -- of the others, rows that `where` does not select
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- Rows by the last run that read or sent them, state and, if rejected, accepted, failed or unknown, error code (otherwise
-- empty).
-- Counting ten million rows takes seconds; this does not.
CREATE TABLE row_counts (
    run_id INTEGER NOT NULL REFERENCES runs (id),
    state  TEXT NOT NULL,
    code   TEXT NOT NULL,
    rows   INTEGER NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (run_id, state, code)
) STRICT, WITHOUT ROWID;

-- The writer adds up the changes to rows of its own run and writes them once a transaction, since a trigger costs more
-- than the row itself. The trigger counts only statements that move rows from one run to another.
CREATE TRIGGER rows_change_runs AFTER UPDATE OF run_id ON rows
WHEN new.run_id <> old.run_id OR new.state <> old.state OR new.code IS NOT old.code
BEGIN
    UPDATE row_counts SET rows = rows - 1
    WHERE run_id = old.run_id AND state = old.state
        AND code = CASE old.state WHEN 'rejected' THEN old.code WHEN 'failed' THEN old.code
                   WHEN 'unknown' THEN old.code WHEN 'accepted' THEN old.code ELSE '' END;
    INSERT INTO row_counts (run_id, state, code, rows)
    VALUES (new.run_id, new.state,
            CASE new.state WHEN 'rejected' THEN new.code WHEN 'failed' THEN new.code WHEN 'unknown' THEN new.code
            WHEN 'accepted' THEN new.code ELSE '' END, 1)
    ON CONFLICT DO UPDATE SET rows = rows + 1;
END;

-- Attempts per minute and run. The rows do not record throttled attempts.
CREATE TABLE minutes (
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    minute     INTEGER NOT NULL,                -- since 1970-01-01 UTC
    attempts   INTEGER NOT NULL,                -- that ended in this minute
    created    INTEGER NOT NULL,                -- of those
    throttled  INTEGER NOT NULL,
    unanswered INTEGER NOT NULL,
    rate       REAL NOT NULL,                   -- requests per second, set or found, at the end of the minute
    PRIMARY KEY (run_id, minute)
) STRICT, WITHOUT ROWID;

-- Histogram of answer times in steps of 1%: answers within so many microseconds, and slower than the next lower step.
CREATE TABLE latencies (
    run_id       INTEGER NOT NULL REFERENCES runs (id),
    microseconds INTEGER NOT NULL,
    answers      INTEGER NOT NULL,
    PRIMARY KEY (run_id, microseconds)
) STRICT, WITHOUT ROWID;

-- Verifications: comparisons of the ledger with Connect. One that was interrupted or died has the counts up to then.
CREATE TABLE verifications (
    id               INTEGER PRIMARY KEY,
    run_id           INTEGER NOT NULL,           -- last run at the start, or 0: rows of later runs are not verified
    endpoint         TEXT,                       -- as of a run
    region           TEXT,
    sample           INTEGER CHECK (sample > 0), -- created rows to look up, drawn at random; NULL: all
    search_attribute TEXT,                       -- that unknown rows are searched by; NULL: by name
    started_ms       INTEGER NOT NULL,
    last_ms          INTEGER NOT NULL,           -- of the counts
    nonce            INTEGER NOT NULL,           -- random, as that of a run
    commits          INTEGER NOT NULL DEFAULT 0, -- transactions, as those of a run
    ending           TEXT,                       -- 'complete', or why it ended early; NULL while it lasts, or if it died
    -- Numbers of rows.
    created          INTEGER NOT NULL DEFAULT 0, -- at the start
    asked            INTEGER NOT NULL DEFAULT 0, -- of the created rows, looked up
    same             INTEGER NOT NULL DEFAULT 0, -- of those, with the name and the attributes that were sent
    different        INTEGER NOT NULL DEFAULT 0,
    missing          INTEGER NOT NULL DEFAULT 0,
    refused          INTEGER NOT NULL DEFAULT 0,
    shared           INTEGER NOT NULL DEFAULT 0, -- of the created rows, with the contact of another row
    unknown          INTEGER NOT NULL DEFAULT 0, -- at the start
    found            INTEGER NOT NULL DEFAULT 0, -- of the unknown rows; created from then on
    ambiguous        INTEGER NOT NULL DEFAULT 0,
    not_found        INTEGER NOT NULL DEFAULT 0,
    unsearchable     INTEGER NOT NULL DEFAULT 0,
    in_doubt         INTEGER NOT NULL DEFAULT 0  -- pending and in-flight rows in doubt
) STRICT;
