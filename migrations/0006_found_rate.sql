-- Whether a run was to find its rate by itself; `rate` is then what it started from.
ALTER TABLE runs ADD COLUMN is_auto INTEGER NOT NULL DEFAULT 0 CHECK (is_auto IN (0, 1));
-- The rate that it found, requests a second; the next such run starts from there.
ALTER TABLE runs ADD COLUMN rate_found REAL CHECK (rate_found > 0);
