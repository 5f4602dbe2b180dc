//! Memory for an arena, owned by one value.

use super::ArenaMemory;
use crate::element::Element;

/// Owns what an [`Arena`](super::Arena) borrows: `PARAMETERS` elements, and boundary tables of
/// `USER_TABLE` and `ITEM_TABLE` words, each the [`boundaries_len`](super::boundaries_len) of its side.
///
/// All zero when new, so a `static` of it takes no space in a firmware image.
///
/// ```
/// use scall_core::arena::{Arena, ArenaStore, boundaries_len};
/// use scall_core::side::PerSide;
///
/// type Store = ArenaStore<4096, { boundaries_len(100) }, { boundaries_len(50) }>;
///
/// let mut store = Store::new();
/// let arena = Arena::new(store.lend(), PerSide::new(8, 8), 4096)?;
/// assert_eq!(size_of::<Store>(), 4 * (4096 + 101 + 51));
/// # Ok::<(), scall_core::arena::ArenaError>(())
/// ```
#[derive(Debug)]
pub struct ArenaStore<const PARAMETERS: usize, const USER_TABLE: usize, const ITEM_TABLE: usize, E = f32> {
    values: [E; PARAMETERS],
    user_boundaries: [u32; USER_TABLE],
    item_boundaries: [u32; ITEM_TABLE],
}

impl<const PARAMETERS: usize, const USER_TABLE: usize, const ITEM_TABLE: usize, E: Element>
    ArenaStore<PARAMETERS, USER_TABLE, ITEM_TABLE, E>
{
    /// Zeroed memory. It fails to compile if a table has no room for the cold-start row, or if there are
    /// more elements than 32 bits can address.
    pub const fn new() -> Self {
        const {
            assert!(USER_TABLE > 0 && ITEM_TABLE > 0, "a table holds one boundary more than entities");
            assert!(PARAMETERS as u64 <= u32::MAX as u64, "boundaries have 32 bits");
        }
        Self {
            values: [E::ZERO; PARAMETERS],
            user_boundaries: [0; USER_TABLE],
            item_boundaries: [0; ITEM_TABLE],
        }
    }

    /// The memory, for one arena at a time.
    pub const fn lend(&mut self) -> ArenaMemory<'_, E> {
        ArenaMemory {
            values: &mut self.values,
            user_boundaries: &mut self.user_boundaries,
            item_boundaries: &mut self.item_boundaries,
        }
    }
}

impl<const PARAMETERS: usize, const USER_TABLE: usize, const ITEM_TABLE: usize, E: Element> Default
    for ArenaStore<PARAMETERS, USER_TABLE, ITEM_TABLE, E>
{
    fn default() -> Self {
        Self::new()
    }
}
