-- The rows again, with the same columns, and indexes that cost less. Once a table has a UNIQUE column there is no other
-- way to be rid of the index behind it.
CREATE TABLE rows_anew (
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

INSERT INTO rows_anew (id, token, key, source_id, header_id, line, content, run_id, state, may_exist, attempts,
                       first_sent_ms, last_sent_ms, doubt_ms, contact_id, contact_arn, code, message, record, sent)
SELECT id, token, key, source_id, header_id, line, content, run_id, state, may_exist, attempts,
       first_sent_ms, last_sent_ms, doubt_ms, contact_id, contact_arn, code, message, record, sent
FROM rows ORDER BY id;

-- Its indexes and triggers go with it.
DROP TABLE rows;
ALTER TABLE rows_anew RENAME TO rows;

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

-- Rows by token, a segment of 1,048,576 rows at a time. Tokens are scattered: with ten million of them in one index
-- every new one falls on a page that has to be fetched and written again, while the pages of a segment stay at hand.
-- That a token is in no other segment the writer makes sure of.
CREATE UNIQUE INDEX rows_by_token ON rows (id >> 20, token);

-- Which tokens a full segment does not have, as a Bloom filter, so that not every segment is searched for every row.
-- What is missing here, or damaged, is made anew from the rows.
CREATE TABLE segments (
    id     INTEGER PRIMARY KEY CHECK (id >= 0),
    filter BLOB NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 16)
) STRICT;

-- Rows that are not created, which are those that have a record. A row's state is left out: it changes with every
-- attempt, and this does not.
CREATE INDEX rows_not_created ON rows (run_id, id) WHERE record IS NOT NULL;

-- Rows in doubt are few and are sent first, while their tokens are young.
CREATE INDEX rows_in_doubt ON rows (id) WHERE may_exist = 1;

-- The first row of a cause, for showing it as an example.
CREATE INDEX rows_by_cause ON rows (state, code, id)
WHERE state = 'rejected' OR state = 'failed' OR state = 'unknown';
