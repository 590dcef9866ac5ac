//! Cells of keys that look like what a spreadsheet or a number type made of an id. Different records may then have one
//! key, or one record two.

/// How a cell was spoiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spoilage {
    /// `1.23E+17` or `1,23E+17`: the digits after the first ones are lost.
    Exponent,
    /// `#####`: the column was too narrow.
    Hashes,
    /// `#N/A`, `#REF!`: the error value of a formula.
    FormulaError,
    /// `601.0`: a whole number that was kept as a fraction. Spoiled only where no cell of the column has a true one.
    WholeFraction,
    /// Zeros from the 16th digit on, of which a spreadsheet keeps 15. Spoiled only where every long number has them.
    Rounded,
}

/// The evidence of a cell about its column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyCell {
    /// Nothing.
    Plain,
    /// It looks spoiled.
    Spoiled(Spoilage),
    /// A fraction such as `1.5`, so that `1.0` may be meant.
    Fraction,
    /// A number of more than 15 digits that is not rounded.
    Long,
}

/// Digits that a spreadsheet keeps of a number (IEEE 754, double precision).
const SPREADSHEET_DIGITS: usize = 15;

/// Examines a cell of a key.
pub fn examine(cell: &str) -> KeyCell {
    let cell = cell.trim();
    let bytes = cell.as_bytes();
    match bytes.first() {
        Some(b'#') => of_hash(cell),
        Some(b'0'..=b'9' | b'+' | b'-') => of_number(bytes),
        Some(_) | None => KeyCell::Plain,
    }
}

fn of_hash(cell: &str) -> KeyCell {
    /// Error values of Excel, LibreOffice and Google Sheets, in English.
    const ERRORS: [&str; 9] =
        ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#ERROR!", "#SPILL!"];
    if cell.len() > 2 && cell.bytes().all(|byte| byte == b'#') {
        KeyCell::Spoiled(Spoilage::Hashes)
    } else if ERRORS.contains(&cell) {
        KeyCell::Spoiled(Spoilage::FormulaError)
    } else {
        KeyCell::Plain
    }
}

fn of_number(bytes: &[u8]) -> KeyCell {
    let number = bytes.strip_prefix(b"+").or_else(|| bytes.strip_prefix(b"-")).unwrap_or(bytes);
    let (whole, rest) = digits(number);
    if whole.is_empty() {
        return KeyCell::Plain;
    }
    let (fraction, rest) = match rest {
        [b'.' | b',', after @ ..] => digits(after),
        rest => (&[][..], rest),
    };
    match rest {
        [] if !fraction.is_empty() => match fraction {
            // 1.000 may be a thousand.
            zeros if zeros.len() != 3 && zeros.iter().all(|digit| *digit == b'0') => {
                KeyCell::Spoiled(Spoilage::WholeFraction)
            }
            _ => KeyCell::Fraction,
        },
        [] if whole.len() == number.len() && whole.len() > SPREADSHEET_DIGITS => {
            match whole[SPREADSHEET_DIGITS..].iter().all(|digit| *digit == b'0') {
                true => KeyCell::Spoiled(Spoilage::Rounded),
                false => KeyCell::Long,
            }
        }
        [b'e' | b'E', exponent @ ..] => {
            let signed = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-"));
            let (power, after) = digits(signed.unwrap_or(exponent));
            // 12E4 may be an id.
            let is_exponent = signed.is_some() || !fraction.is_empty();
            match is_exponent && !power.is_empty() && after.is_empty() {
                true => KeyCell::Spoiled(Spoilage::Exponent),
                false => KeyCell::Plain,
            }
        }
        _ => KeyCell::Plain,
    }
}

/// The leading digits, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    bytes.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoiled_numbers_are_told_from_ids() {
        use Spoilage::{Exponent, FormulaError, Hashes, Rounded, WholeFraction};
        for (cell, spoilage) in [
            ("1.23E+17", Exponent),
            ("1,23E+17", Exponent),
            ("1.23457e+17", Exponent),
            ("-1E+05", Exponent),
            ("1.5e17", Exponent),
            (" 1E-7 ", Exponent),
            ("#####", Hashes),
            ("#N/A", FormulaError),
            ("#REF!", FormulaError),
            ("601.0", WholeFraction),
            ("601,00", WholeFraction),
            ("601.000000", WholeFraction),
            ("123456789012345000", Rounded),
            ("1234567890123450", Rounded),
        ] {
            assert_eq!(examine(cell), KeyCell::Spoiled(spoilage), "{cell}");
        }
        for cell in [
            "12E4",
            "4e10",
            "1E",
            "E+17",
            "#12",
            "##",
            "1.000",
            "#",
            "HD-1",
            "",
            "1.",
            "1.2.0",
            "12345678901234",
        ] {
            assert!(!matches!(examine(cell), KeyCell::Spoiled(_)), "{cell}");
        }
        assert_eq!(examine("1.5"), KeyCell::Fraction);
        assert_eq!(examine("1234567890123456789"), KeyCell::Long);
        assert_eq!(examine("1E+17x"), KeyCell::Plain);
    }
}
