//! Rows that share a key, found by sorting.

use std::io;

use super::sorter::{Entry, Sorter};
use crate::digest::Digest;

/// Where a row stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) line: u64,
}

/// Bits of a place's number that hold the line.
const LINE_BITS: u32 = 44;

impl Place {
    /// A number that sorts as the input does.
    pub(super) fn number(self) -> u64 {
        (self.file as u64) << LINE_BITS | self.line
    }

    pub(super) fn of(number: u64) -> Self {
        let file = usize::try_from(number >> LINE_BITS).unwrap_or_default();
        Place { file, line: number & ((1 << LINE_BITS) - 1) }
    }
}

/// What a run would do with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Send it.
    Ready,
    /// Reject it.
    Faulty,
    /// Nothing: it is created.
    Created,
    /// Nothing: it is created, with other content than the row has now.
    CreatedChanged,
    /// Nothing: it may have been created.
    Unknown,
    /// Nothing: Connect refused it, and neither the row nor the mapping has changed since.
    Refused,
}

impl Class {
    const ALL: [Class; 6] =
        [Class::Ready, Class::Faulty, Class::Created, Class::CreatedChanged, Class::Unknown, Class::Refused];

    pub(super) fn number(self) -> u64 {
        self as u64
    }

    pub(super) fn of(number: u64) -> Self {
        Class::ALL.into_iter().find(|class| class.number() == number).unwrap_or(Class::Ready)
    }
}

/// The entry of a row in a sorter.
pub(super) fn entry(digest: Digest, place: Place, class: Class, marks: Marks) -> Entry {
    let whole = u128::from_be_bytes(digest.0);
    [(whole >> 64) as u64, whole as u64, place.number(), class.number() | marks.number()]
}

/// What there is to say of a row beside its class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    /// It is created, and would not map any more.
    pub(super) unmappable: bool,
    /// It was counted as one that the ledger has from another input.
    pub(super) elsewhere: bool,
}

/// Bits of an entry's last number above the class.
const UNMAPPABLE: u64 = 1 << 8;
const ELSEWHERE: u64 = 1 << 9;

impl Marks {
    fn number(self) -> u64 {
        u64::from(self.unmappable) * UNMAPPABLE + u64::from(self.elsewhere) * ELSEWHERE
    }

    fn of(number: u64) -> Self {
        Marks { unmappable: number & UNMAPPABLE != 0, elsewhere: number & ELSEWHERE != 0 }
    }
}

/// A row that is not the first of its digest.
pub(super) struct Repeat {
    pub(super) digest: Digest,
    pub(super) first: Place,
    pub(super) place: Place,
    pub(super) class: Class,
    pub(super) marks: Marks,
    /// Its number among the rows of its digest: 2 for the first repetition.
    pub(super) occurrence: u32,
}

/// Calls `each` for every row that is not the first of its digest, digest by digest, in file order.
pub(super) fn each_repeat<E: From<io::Error>>(
    sorter: Sorter,
    mut each: impl FnMut(Repeat) -> Result<(), E>,
) -> Result<(), E> {
    let mut sorted = sorter.sorted()?;
    let mut first: Option<(Entry, u32)> = None;
    while let Some(entry) = sorted.next()? {
        match &mut first {
            Some((known, count)) if known[..2] == entry[..2] => {
                *count = count.saturating_add(1);
                let whole = u128::from(entry[0]) << 64 | u128::from(entry[1]);
                each(Repeat {
                    digest: Digest(whole.to_be_bytes()),
                    first: Place::of(known[2]),
                    place: Place::of(entry[2]),
                    class: Class::of(entry[3] & (UNMAPPABLE - 1)),
                    marks: Marks::of(entry[3]),
                    occurrence: *count,
                })?;
            }
            Some(_) | None => first = Some((entry, 1)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_but_the_first_of_a_digest_is_a_repeat() {
        let mut sorter = Sorter::new();
        let place = |line| Place { file: 3, line };
        for (digest, line) in [(7, 9), (8, 4), (7, 2), (7, 5)] {
            let marks = Marks { unmappable: true, elsewhere: line == 9 };
            sorter.push(entry(Digest([digest; 16]), place(line), Class::Created, marks)).unwrap();
        }
        let mut repeats = Vec::new();
        each_repeat(sorter, |repeat| {
            assert_eq!((repeat.digest, repeat.class), (Digest([7; 16]), Class::Created));
            assert_eq!(repeat.marks, Marks { unmappable: true, elsewhere: repeat.place.line == 9 });
            repeats.push((repeat.first.line, repeat.place.line, repeat.occurrence));
            Ok::<_, io::Error>(())
        })
        .unwrap();
        assert_eq!(repeats, [(2, 5, 2), (2, 9, 3)]);
    }

    #[test]
    fn places_sort_as_the_input_does() {
        let place = Place { file: 2, line: (1 << 40) + 1 };
        assert_eq!(Place::of(place.number()), place);
        assert!(Place { file: 1, line: u64::MAX >> 20 }.number() < Place { file: 2, line: 1 }.number());
    }
}
