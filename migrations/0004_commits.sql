-- How often a run has committed. The lock file tells of the last commit as well: a ledger that falls short of it has
-- lost its log, or is an older copy.
ALTER TABLE runs ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
