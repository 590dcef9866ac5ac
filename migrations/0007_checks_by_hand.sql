-- SQLite makes a table of its own for every IN of three values and more, each time that it holds a row against it: more
-- than half of the work of writing a row. The same constraints, spelt out. What is on the disk stays as it is, which is
-- the case that SQLite's manual has this way for (on ALTER TABLE).
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    'state IN (''pending'', ''in_flight'', ''created'', ''rejected'', ''failed'', ''unknown'')',
    'state = ''pending'' OR state = ''in_flight'' OR state = ''created''
     OR state = ''rejected'' OR state = ''failed'' OR state = ''unknown'''),
    'state IN (''pending'', ''in_flight'', ''unknown'')',
    'state = ''pending'' OR state = ''in_flight'' OR state = ''unknown'''),
    'state NOT IN (''rejected'', ''failed'', ''unknown'')',
    '(state <> ''rejected'' AND state <> ''failed'' AND state <> ''unknown'')')
WHERE type = 'table' AND name = 'rows';

PRAGMA writable_schema = RESET;
