//! How often a token has come up; a table on the disk, so that memory stays flat.

use rusqlite::Connection;

use crate::token::ClientToken;

/// Makes the table, if this connection has none yet.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS repeats (token BLOB PRIMARY KEY, occurrences INTEGER NOT NULL) STRICT",
    )
}

/// The number of the row that comes up now among those of the token: 2 for the first repetition.
pub(super) fn next(connection: &Connection, token: ClientToken) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "INSERT INTO temp.repeats (token, occurrences) VALUES (?1, 2)
             ON CONFLICT DO UPDATE SET occurrences = occurrences + 1 RETURNING occurrences",
        )?
        .query_row([token.0.0], |row| row.get(0))
}
