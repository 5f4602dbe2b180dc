//! The ragged arena.

use core::hint::black_box;
use scall_core::Side;
use scall_core::arena::{Arena, ArenaStore, boundaries_len};
use scall_core::element::Element;
use scall_core::side::PerSide;

pub fn exercise() {
    let mut store: ArenaStore<64, { boundaries_len(4) }, { boundaries_len(4) }> = ArenaStore::new();
    let mut memory = black_box(store.lend());
    memory.values = memory.values.get_mut(..black_box(60)).unwrap_or_default();
    memory.user_boundaries = memory.user_boundaries.get_mut(..black_box(4)).unwrap_or_default();
    memory.item_boundaries = memory.item_boundaries.get_mut(..black_box(4)).unwrap_or_default();
    let cold = PerSide::new(black_box(1), black_box(2));
    let arena = Arena::new(memory, cold, black_box(50));
    if let Ok(mut arena) = black_box(arena) {
        work(&mut arena);
    }
}

#[inline(never)]
fn work(arena: &mut Arena<'_>) {
    for side in black_box(Side::BOTH) {
        let value = black_box(1.0);
        let fill = move |_, id, first, elements: &mut [f32]| {
            black_box((id, first));
            elements.fill(value);
        };
        let _ = black_box(arena.admit(side, black_box(3), fill));
        arena.row_mut(side, black_box(0)).fill(value);
        arena.cold_row_mut(side).fill(value);
        let sum = f32::dot(arena.row(side, black_box(1)), arena.cold_row(side));
        black_box((sum, arena.size(side, black_box(0)), arena.is_cold(side, black_box(0))));
        black_box((arena.count(side), arena.capacity(side), arena.cold_starts(side), arena.used_by(side)));
        let sizes = black_box([3_u32; 4]);
        let users = sizes.get(..black_box(2)).unwrap_or_default();
        let _ = black_box(arena.repack(users, sizes.get(..black_box(3)).unwrap_or_default(), fill));
    }
    let _ = black_box(arena.set_budget(black_box(40)));
    black_box((arena.budget(), arena.used(), arena.head_room(), arena.row_budget(), arena.high_water()));
    if let Some((user, positive, negative)) = arena.triple_mut(black_box(0), black_box(0), black_box(1)) {
        user.iter_mut().zip(positive).zip(negative).for_each(|((u, p), n)| *u += *p - *n);
    }
    let (user, item) = arena.pair_mut(black_box(0), black_box(0));
    user.iter_mut().zip(item).for_each(|(u, i)| *u += *i);
}
