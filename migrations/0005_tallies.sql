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

INSERT INTO tallies (run_id, state, code, rows)
SELECT run_id, state, CASE WHEN state IN ('rejected', 'failed', 'unknown') THEN code ELSE '' END AS cause, count(*)
FROM rows GROUP BY run_id, state, cause;

-- These run with every change of a row, and CASE is cheaper than IN.
CREATE TRIGGER rows_are_tallied AFTER INSERT ON rows BEGIN
    INSERT INTO tallies (run_id, state, code, rows)
    VALUES (new.run_id, new.state,
            CASE new.state WHEN 'rejected' THEN new.code WHEN 'failed' THEN new.code WHEN 'unknown' THEN new.code
            ELSE '' END, 1)
    ON CONFLICT DO UPDATE SET rows = rows + 1;
END;

CREATE TRIGGER rows_are_tallied_anew AFTER UPDATE OF run_id, state, code ON rows
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

-- Nothing here deletes a row; whoever does so by hand is not to be told of it for ever.
CREATE TRIGGER rows_are_not_tallied AFTER DELETE ON rows BEGIN
    UPDATE tallies SET rows = rows - 1
    WHERE run_id = old.run_id AND state = old.state
        AND code = CASE old.state WHEN 'rejected' THEN old.code WHEN 'failed' THEN old.code
                   WHEN 'unknown' THEN old.code ELSE '' END;
END;

-- The first row of a cause, for showing it as an example.
CREATE INDEX rows_by_cause ON rows (state, code, id)
WHERE state = 'rejected' OR state = 'failed' OR state = 'unknown';
