-- What a row was sent with last, for holding a contact against it: 8 bytes of SHA-256 of its name, then 8 of its
-- attributes, each salted with the row's token. Rows of before have none.
ALTER TABLE rows ADD COLUMN sent BLOB CHECK (sent IS NULL OR length(sent) = 16);
