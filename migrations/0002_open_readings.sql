-- Readings of an input that were begun and have not come to the input's end. What such a reading entered may be
-- wrong, so it is not sent unless the input brings it up again. A reading that is complete is taken out.
CREATE TABLE open_readings (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    PRIMARY KEY (run_id, source_id)
) STRICT, WITHOUT ROWID;

-- Of runs before this table it is only known whether all of their input was read.
INSERT INTO open_readings (run_id, source_id)
SELECT runs.id, sources.id FROM runs CROSS JOIN sources WHERE checked = 0;
