-- The ledger of one import: one instance, operation and namespace.
-- Times are milliseconds since 1970-01-01 UTC. Digests are 16 bytes of SHA-256.

-- Whose ledger this is; exactly one row.
CREATE TABLE identity (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    instance_id   TEXT NOT NULL,
    operation     TEXT NOT NULL,
    namespace     TEXT NOT NULL,
    key_columns   TEXT NOT NULL,               -- a JSON array; an empty one: the content is the key
    token_version INTEGER NOT NULL
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
    CHECK ((ended_ms IS NULL) = (ending IS NULL))
) STRICT;

CREATE TABLE rows (
    id            INTEGER PRIMARY KEY,
    token         BLOB NOT NULL UNIQUE CHECK (length(token) = 16),
    key           TEXT NOT NULL,               -- as people see it
    source_id     INTEGER NOT NULL REFERENCES sources (id),
    header_id     INTEGER NOT NULL REFERENCES headers (id),
    line          INTEGER NOT NULL CHECK (line > 0),
    content       BLOB NOT NULL CHECK (length(content) = 16),
    -- The last run that saw the row. Rows that were created before are not touched again.
    run_id        INTEGER NOT NULL REFERENCES runs (id),
    state         TEXT NOT NULL
                  CHECK (state IN ('pending', 'in_flight', 'created', 'rejected', 'failed', 'unknown')),
    -- 1 while an earlier attempt went unanswered: a contact may exist.
    may_exist     INTEGER NOT NULL DEFAULT 0 CHECK (may_exist IN (0, 1)),
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
    CHECK ((state = 'created') = (contact_id IS NOT NULL)),
    CHECK ((state = 'created') = (record IS NULL)),
    CHECK (state <> 'in_flight' OR (attempts > 0 AND last_sent_ms IS NOT NULL)),
    CHECK ((state <> 'in_flight' AND may_exist = 0) OR doubt_ms IS NOT NULL),
    -- What is said to be surely not created must not be in doubt; what is unknown must be.
    CHECK (may_exist = 0 OR state IN ('pending', 'in_flight', 'unknown')),
    CHECK (state <> 'unknown' OR may_exist = 1),
    CHECK (state NOT IN ('rejected', 'failed', 'unknown') OR code IS NOT NULL)
) STRICT;

CREATE INDEX rows_by_run_and_state ON rows (run_id, state, id);

-- Rows in doubt are few and are sent first, while their tokens are young.
CREATE INDEX rows_in_doubt ON rows (id) WHERE may_exist = 1;
