//! What an event and ten recommendations cost in instructions where all rows have one length: one line of JSON.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use firmware_example::{fail, finish, json::Line, tick::Timer};
use scall_core::arena::{ArenaMemory, boundaries_len};
use scall_core::element::Element;
use scall_core::random::Generator;
use scall_core::recommender::{
    Recommender, RecommenderConfig, RecommenderMemory, Scored, class_ends_len, seen_len,
};
use scall_core::side::{PerSide, Side};

const USERS: usize = 50;
const ITEMS: usize = 500;
const ELEMENTS: usize = 4_600;
const LONGEST: usize = 40;
const PAIRS: usize = 1_024;
/// Events before and while they are counted.
const EVENTS: u32 = 1_000;

/// Memory of a recommender whose elements are `E`s.
struct Rows<E> {
    values: [E; ELEMENTS],
    user_boundaries: [u32; boundaries_len(USERS)],
    item_boundaries: [u32; boundaries_len(ITEMS)],
    user_floats: [[f32; USERS]; 2],
    item_floats: [[f32; ITEMS]; 2],
    user_words: [u32; USERS],
    item_words: [u32; ITEMS],
    class_ends: [u32; class_ends_len(ITEMS, LONGEST)],
    means: [[f32; LONGEST]; 2],
    seen: [u32; seen_len(PAIRS)],
}

/// What is measured.
struct Case {
    items: u32,
    /// Elements of a user's and an item's row.
    sizes: PerSide<u32>,
    /// Items that each negative is chosen from.
    hardest_of: u32,
}

/// Instructions on average.
struct Cost {
    learn: u32,
    recommend: u32,
}

impl<E: Element> Rows<E> {
    const fn new() -> Self {
        Self {
            values: [E::ZERO; _],
            user_boundaries: [0; _],
            item_boundaries: [0; _],
            user_floats: [[0.0; _]; _],
            item_floats: [[0.0; _]; _],
            user_words: [0; _],
            item_words: [0; _],
            class_ends: [0; _],
            means: [[0.0; _]; _],
            seen: [0; _],
        }
    }

    /// Events of known ones learned, and ten recommendations for each user. `None` where the rows do not fit.
    fn measure(&mut self, case: &Case, timer: &mut Timer) -> Option<Cost> {
        let &Case { items, sizes, hardest_of } = case;
        let config = RecommenderConfig { hardest_of, ..RecommenderConfig::default() }.validate().ok()?;
        let [user_accumulators, user_frequencies] = &mut self.user_floats;
        let [item_accumulators, item_frequencies] = &mut self.item_floats;
        let [user_mean, item_mean] = &mut self.means;
        let memory = RecommenderMemory {
            arena: ArenaMemory {
                values: &mut self.values,
                user_boundaries: &mut self.user_boundaries,
                item_boundaries: &mut self.item_boundaries,
            },
            accumulators: PerSide::new(user_accumulators, item_accumulators),
            frequencies: PerSide::new(user_frequencies, item_frequencies),
            words: PerSide::new(&mut self.user_words, &mut self.item_words),
            class_ends: &mut self.class_ends,
            means: PerSide::new(user_mean, item_mean),
            seen: &mut self.seen,
        };
        let mut recommender = Recommender::new(memory, config, sizes, ELEMENTS as u32, 1).ok()?;
        for (side, count) in [(Side::User, USERS as u32), (Side::Item, items)] {
            for _ in 0..count {
                recommender.admit(side, *sizes.get(side)).ok()?;
            }
        }
        let mut generator = Generator::new(2);
        let mut learn = 0_u32;
        for n in 0..2 * EVENTS {
            let (user, item) = (generator.below(USERS as u32), generator.below(items));
            let before = timer.instructions();
            black_box(recommender.observe(user, item).ok()?);
            let spent = timer.instructions().wrapping_sub(before);
            learn += if n < EVENTS { 0 } else { spent };
        }
        let mut best = [Scored::NONE; 10];
        let before = timer.instructions();
        for user in 0..USERS as u32 {
            black_box(recommender.recommend(user, &mut best));
        }
        let recommend = timer.instructions().wrapping_sub(before);
        Some(Cost { learn: learn / EVENTS, recommend: recommend / USERS as u32 })
    }
}

/// Rows of eight elements, the bias of an item among them.
const SHORT: Case = Case { items: ITEMS as u32, sizes: PerSide::new(8, 8), hardest_of: 1 };

/// Rows of 32 dimensions.
const fn long(bias: usize) -> Case {
    Case { items: 80, sizes: PerSide::new(32, 32 + bias as u32), hardest_of: 1 }
}

#[entry]
fn main() -> ! {
    static mut FLOATS: Rows<f32> = Rows::new();
    static mut BYTES: Rows<i8> = Rows::new();
    let mut timer = Timer::start();
    let mut line = Line::new();
    line.number("schema", 1);
    let hardest_of = RecommenderConfig::default().hardest_of;
    let all = [
        ("learn", "recommend", FLOATS.measure(&SHORT, &mut timer)),
        ("learn_hardest_of_3", "", FLOATS.measure(&Case { hardest_of, ..SHORT }, &mut timer)),
        ("learn_32", "", FLOATS.measure(&long(f32::BIAS), &mut timer)),
        ("learn_32_i8", "", BYTES.measure(&long(i8::BIAS), &mut timer)),
    ];
    for (learn, recommend, cost) in all {
        let Some(cost) = cost else { fail(b"error: the rows do not fit\n") };
        line.number(learn, cost.learn);
        if !recommend.is_empty() {
            line.number(recommend, cost.recommend);
        }
    }
    finish(&mut line, true)
}
