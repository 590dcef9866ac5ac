-- When a run last wrote anything down: of one that died, when it was alive for certain.
ALTER TABLE runs ADD COLUMN last_ms INTEGER;
-- Up to when the record of minutes is complete.
ALTER TABLE runs ADD COLUMN recorded_ms INTEGER;
-- Waiting rows that the run was not to send, by --limit; NULL until its input was read, or of an earlier version.
ALTER TABLE runs ADD COLUMN held_back INTEGER;
