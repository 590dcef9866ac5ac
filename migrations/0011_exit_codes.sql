-- With which exit code a run ended; NULL while it runs, if it died, or of an earlier version.
ALTER TABLE runs ADD COLUMN exit_code INTEGER;
