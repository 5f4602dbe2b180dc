//! Which item a user is said to like less.

use super::seen::SeenFilter;
use crate::random::Generator;

/// Random tries before the search becomes orderly.
const TRIES: u32 = 16;

/// An item in `0..items` that is neither `positive` nor among the pairs of `user` that `seen` remembers;
/// `None` if there is none.
///
/// Up to 16 uniform draws; a user who knows nearly everything then gets the first such item behind a
/// random one, which takes as many steps as there are known items in a row, fewer than `seen` has places.
#[cfg_attr(not(feature = "small"), inline(always))]
#[cfg_attr(feature = "small", inline(never))]
pub(super) fn draw(
    generator: &mut Generator,
    items: u32,
    user: u32,
    positive: u32,
    seen: &SeenFilter<'_>,
) -> Option<u32> {
    for _ in 0..TRIES {
        let item = generator.below(items);
        if item < items && item != positive && !seen.contains(user, item) {
            return Some(item);
        }
    }
    search(generator.below(items), items, user, positive, seen)
}

#[cold]
#[inline(never)]
fn search(start: u32, items: u32, user: u32, positive: u32, seen: &SeenFilter<'_>) -> Option<u32> {
    (start..items).chain(0..start).find(|&item| item != positive && !seen.contains(user, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::vec;

    #[test]
    fn never_a_known_positive_while_there_are_others() {
        let mut words = vec![0; 4096];
        let mut seen = SeenFilter::new(&mut words);
        let mut generator = Generator::new(1);
        for item in 0..200 {
            seen.insert(3, item);
        }
        for _ in 0..testing::cases(2_000) {
            // 0 to 199 are known, 201 is the positive: only 200 and 202 are left.
            let item = draw(&mut generator, 203, 3, 201, &seen).unwrap();
            assert!(item == 200 || item == 202, "{item}");
        }
    }

    #[test]
    fn none_where_nothing_is_left() {
        let mut words = vec![0; 64];
        let mut seen = SeenFilter::new(&mut words);
        let mut generator = Generator::new(1);
        assert_eq!(draw(&mut generator, 0, 0, 0, &seen), None);
        assert_eq!(draw(&mut generator, 1, 0, 0, &seen), None);
        assert_eq!(draw(&mut generator, 2, 0, 0, &seen), Some(1));
        seen.insert(0, 1);
        assert_eq!(draw(&mut generator, 2, 0, 0, &seen), None);
        assert_eq!(draw(&mut generator, 2, 9, 0, &seen), Some(1));
    }

    #[test]
    fn uniform_over_what_is_allowed() {
        let mut words = vec![0; 64];
        let mut seen = SeenFilter::new(&mut words);
        seen.insert(0, 2);
        let mut generator = Generator::new(5);
        let mut drawn = [0_u32; 6];
        for _ in 0..if cfg!(miri) { 40 } else { 40_000 } {
            drawn[draw(&mut generator, 6, 0, 4, &seen).unwrap() as usize] += 1;
        }
        for (item, count) in drawn.into_iter().enumerate() {
            let allowed = item != 2 && item != 4;
            let expected = if allowed { 9_600..10_400 } else { 0..1 };
            assert!(expected.contains(&count) || (cfg!(miri) && allowed), "{drawn:?}");
        }
    }
}
