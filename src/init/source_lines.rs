//! Lines of `[source]` about a file's form: keys, each with the reason as a comment.

use super::literals;

/// The comment about rows that are not valid in the encoding; none without such rows.
pub fn malformed_rows(lines: &[u64], encoding: &str) -> Option<[String; 2]> {
    const MOST: usize = 10;
    let named: Vec<String> = lines.iter().take(MOST).map(u64::to_string).collect();
    let more = lines.len().saturating_sub(MOST);
    let lines = match lines {
        [] => return None,
        [line] => format!("line {line}"),
        _ if more == 0 => format!("lines {}", named.join(", ")),
        _ => format!("lines {} and {more} more", named.join(", ")),
    };
    Some([
        format!("# Not {encoding}: {lines}."),
        "# These rows are rejected until the file is corrected; all others are imported.".to_owned(),
    ])
}

/// The keys for lines before the header, and for the names of columns without one. `is_guessed` tells whether the lines
/// were found to be a title, and not given by an option.
pub fn lines_before_rows(skip_lines: u64, is_guessed: bool, columns: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    if is_guessed {
        let line = skip_lines + 1;
        lines.push(format!("# Guessed: the header is on line {line}, below a title or other lines."));
    }
    if skip_lines > 0 {
        lines.push(format!("skip_lines = {skip_lines}"));
    }
    if !columns.is_empty() {
        let names: Vec<String> = columns.iter().map(|name| literals::toml(name)).collect();
        lines.push(format!("columns = [{}]", names.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_lines_are_named() {
        let comment = |lines: &[u64]| malformed_rows(lines, "UTF-8").map(|[first, _]| first);
        assert_eq!(comment(&[]), None);
        assert_eq!(comment(&[9]).unwrap(), "# Not UTF-8: line 9.");
        assert_eq!(comment(&[3, 9]).unwrap(), "# Not UTF-8: lines 3, 9.");
        let many: Vec<u64> = (1..=12).collect();
        assert_eq!(comment(&many).unwrap(), "# Not UTF-8: lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more.");
    }
}
