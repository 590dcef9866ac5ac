//! Excerpt of a credential process's standard error, without secrets. Pure.
//!
//! Such a text is the only explanation of a failed process, and may hold anything: an echo of the command line, a dump of the
//! environment, or the credentials themselves. So words that look like a secret are left out, as well as those of `secrets`.

use std::borrow::Cow;

/// Lines of the excerpt; the first ones name the cause.
const LINES: usize = 3;

/// Maximum length of the excerpt, characters.
const CHARS: usize = 300;

/// Shortest secret that is searched for, characters. Shorter ones are common words.
const MIN_SECRET: usize = 4;

/// Length from which a word of mixed characters is taken for a secret. An AWS secret access key has 40, its id 20.
const MIN_RANDOM: usize = 20;

/// In place of what is left out.
const OMITTED: &str = "…";

/// Parts of names whose value is a secret.
const SECRET_NAMES: [&str; 9] =
    ["secret", "token", "passw", "pwd", "passphrase", "accesskey", "access_key", "apikey", "authorization"];

/// The first lines that are not empty, joined by ` / `, with control characters escaped.
pub(super) fn excerpt(text: &str, secrets: &[String]) -> String {
    let mut text = Cow::Borrowed(text);
    let mut known: Vec<&str> = secrets
        .iter()
        .map(|secret| secret.trim())
        .filter(|secret| secret.chars().count() >= MIN_SECRET)
        .collect();
    // The longest first: one may be a part of another.
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in known {
        if text.contains(secret) {
            text = Cow::Owned(text.replace(secret, OMITTED));
        }
    }
    // A secret may go on over a line end, so the words are judged before the lines are chosen.
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut is_value = false;
    let lines: Vec<String> = lines.take(LINES).map(|line| without_secrets(line, &mut is_value)).collect();
    let mut shown = String::new();
    for c in lines.join(" / ").chars().take(CHARS) {
        match c {
            '\t' => shown.push(' '),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// The line without words that look random, and without the word that follows a name such as `SecretAccessKey`.
/// `is_value` is whether the line begins with such a value, and whether the next one does.
fn without_secrets(line: &str, is_value: &mut bool) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let is_word = rest.starts_with(is_word_char);
        let end = rest.find(|c| is_word_char(c) != is_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if !is_word {
            shown.push_str(part);
            continue;
        }
        // `Bearer` is the scheme of an authorization, and not its value.
        let is_scheme = ["bearer", "basic"].iter().any(|scheme| part.eq_ignore_ascii_case(scheme));
        let names_a_value =
            is_secret_name(part) && after.trim_start_matches(['"', '\'', ' ']).starts_with(['=', ':']);
        if names_a_value || is_scheme {
            shown.push_str(part);
            *is_value = true;
        } else if *is_value || is_random(part) {
            shown.push_str(OMITTED);
            *is_value = false;
        } else {
            shown.push_str(part);
        }
    }
    shown
}

/// Whether a character may be part of a secret: of base64, base64url, a JSON web token or hexadecimal digits.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || "+/_-.~!@#$%^&*".contains(c)
}

fn is_secret_name(word: &str) -> bool {
    // A path may name a secret, and its error follows.
    let word = if word.contains('/') { String::new() } else { word.to_ascii_lowercase() };
    SECRET_NAMES.iter().any(|name| word.contains(name))
}

/// Whether a word is long and mixed, as keys and tokens are and paths and sentences are not.
fn is_random(word: &str) -> bool {
    let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
    let is_mixed =
        has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    let is_key_id =
        has(char::is_ascii_digit) && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let is_hex = has(char::is_ascii_digit) && word.chars().all(|c| c.is_ascii_hexdigit());
    word.len() >= MIN_RANDOM && (is_mixed || is_key_id || is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_are_one_line() {
        let text = "\nError: the vault is locked\r\n\n  run: vault login\nat main.rs:7\nat lib.rs:9\n";
        assert_eq!(excerpt(text, &[]), "Error: the vault is locked / run: vault login / at main.rs:7");
        assert_eq!(excerpt("\u{1b}[31mred\u{7}\ttext", &[]), "\\u{1b}[31mred\\u{7} text");
        assert_eq!(excerpt(&"word ".repeat(1000), &[]).chars().count(), CHARS);
        assert_eq!(excerpt(" \n", &[]), "");
    }

    #[test]
    fn keys_and_tokens_are_left_out() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for text in [
            format!("got {secret}"),
            format!("\"{secret}\","),
            format!("key={secret};"),
            format!("{{\"SecretAccessKey\": \"{secret}\"}}"),
        ] {
            let shown = excerpt(&text, &[]);
            assert!(shown.contains(OMITTED) && !shown.contains("bPxRfi"), "{shown}");
        }
        for text in [
            "password: hunter2",
            "AWS_SECRET_ACCESS_KEY=hunter2",
            "'SessionToken' : 'hunter2'",
            "Authorization: Bearer hunter2",
            "token=\nhunter2",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2",
            "0123456789abcdef0123hunter2".replace("hunter2", "4567").as_str(),
        ] {
            let shown = excerpt(text, &[]);
            assert!(shown.contains(OMITTED) && !shown.contains("hunter2"), "{text}: {shown}");
        }
        assert_eq!(
            excerpt("cannot use my phrase here", &["my phrase".into(), "use".into()]),
            "cannot use … here"
        );
    }

    #[test]
    fn causes_stay() {
        for text in [
            "sh: 1: /opt/company/bin/aws-credentials2: not found",
            "/home/someone/.local/share/tool/credentials-helper.py: permission denied",
            "An error occurred (AccessDenied) when calling the AssumeRole operation: user/me",
            "Error: the token has expired, run vault login -method=oidc",
            "Traceback (most recent call last):",
        ] {
            assert_eq!(excerpt(text, &[]), text);
        }
    }
}
