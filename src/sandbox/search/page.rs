//! The pages of what a search found.

/// The order of what a search finds, by initiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Order {
    Ascending,
    Descending,
}

/// One page: places in the order of creation, in the order that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Page {
    pub(in crate::sandbox) places: Vec<usize>,
    /// Whether another page follows.
    pub(in crate::sandbox) more: bool,
}

impl Page {
    /// The page of at most `most` contacts after the one at `last`, or the first one. `found` are
    /// places in ascending order. Contacts are only ever added, so pages stay true to each other
    /// while new contacts come.
    pub(in crate::sandbox) fn of(found: &[usize], order: Order, last: Option<usize>, most: usize) -> Page {
        let rest: Vec<usize> = match order {
            Order::Ascending => {
                found.iter().copied().filter(|place| last.is_none_or(|last| *place > last)).collect()
            }
            Order::Descending => {
                found.iter().rev().copied().filter(|place| last.is_none_or(|last| *place < last)).collect()
            }
        };
        Page { more: rest.len() > most, places: rest.into_iter().take(most).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: [usize; 5] = [1, 3, 4, 7, 9];

    fn page(order: Order, last: Option<usize>) -> (Vec<usize>, bool) {
        let page = Page::of(&FOUND, order, last, 2);
        (page.places, page.more)
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        assert_eq!(page(Order::Ascending, None), (vec![1, 3], true));
        assert_eq!(page(Order::Ascending, Some(3)), (vec![4, 7], true));
        assert_eq!(page(Order::Ascending, Some(7)), (vec![9], false));
        assert_eq!(page(Order::Descending, None), (vec![9, 7], true));
        assert_eq!(page(Order::Descending, Some(7)), (vec![4, 3], true));
        assert_eq!(page(Order::Descending, Some(3)), (vec![1], false));
    }

    #[test]
    fn a_page_that_is_just_full_may_be_the_last() {
        assert_eq!(Page::of(&FOUND, Order::Ascending, None, 5), Page { places: FOUND.to_vec(), more: false });
        assert_eq!(Page::of(&[], Order::Ascending, None, 5), Page { places: vec![], more: false });
        assert_eq!(page(Order::Ascending, Some(9)), (vec![], false));
    }

    #[test]
    fn a_page_goes_on_behind_a_contact_that_is_no_longer_found() {
        assert_eq!(page(Order::Ascending, Some(5)), (vec![7, 9], false));
        assert_eq!(page(Order::Descending, Some(5)), (vec![4, 3], true));
    }
}
