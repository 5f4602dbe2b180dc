use super::*;
use std::collections::HashSet;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

/// Owns what a stream borrows.
struct Memory {
    users: (Vec<f32>, Vec<u32>),
    items: (Vec<f32>, Vec<u32>),
    recent: Vec<u32>,
}

impl Memory {
    fn new(users: usize, items: usize, recent: usize) -> Self {
        // Filled with what must not matter.
        let side = |n| (vec![f32::NAN; rows_len(n)], vec![u32::MAX; n]);
        Self { users: side(users), items: side(items), recent: vec![7; recent] }
    }

    fn stream(&mut self, seed: u64, config: SyntheticConfig) -> Result<SyntheticStream<'_>, SyntheticError> {
        SyntheticStream::new(
            seed,
            config,
            CrowdMemory { rows: &mut self.users.0, ranks: &mut self.users.1 },
            CrowdMemory { rows: &mut self.items.0, ranks: &mut self.items.1 },
            &mut self.recent,
        )
    }
}

const SMALL: SyntheticConfig = SyntheticConfig {
    events: 4_000,
    flatness: PerSide::new(0.1, 0.02),
    candidates: 20,
    taste: 8.0,
    drift: 0.01,
};

fn small(seed: u64) -> Vec<Event> {
    Memory::new(100, 150, 12_000).stream(seed, SMALL).unwrap().collect()
}

fn digest(events: &[Event]) -> u32 {
    // FNV-1a over the numbers.
    let words = events.iter().flat_map(|event| [event.user, event.item]);
    words.fold(0x811c_9dc5, |hash, word| (hash ^ word).wrapping_mul(0x0100_0193))
}

/// Fails on any change of bits, on any target.
#[test]
fn the_events_of_a_seed_never_change() {
    assert_eq!([digest(&small(42)), digest(&small(43))], [775_085_256, 1_504_762_261]);
}

#[test]
fn numbers_are_dense_in_order_of_first_appearance_and_all_arrive() {
    let mut memory = Memory::new(100, 150, 12_000);
    let mut stream = memory.stream(1, SMALL).unwrap();
    let mut next = PerSide::new(0, 0);
    let mut half_way = None;
    while let Some(event) = stream.next() {
        for (id, next) in [(event.user, &mut next.user), (event.item, &mut next.item)] {
            assert!(id <= *next);
            *next += u32::from(id == *next);
        }
        assert_eq!((stream.present(Side::User), stream.present(Side::Item)), (next.user, next.item));
        if stream.len() == 2_000 {
            half_way = Some(next);
        }
    }
    assert_eq!(next, PerSide::new(100, 150));
    assert_eq!(half_way, Some(PerSide::new(70, 106)));
    assert_eq!(stream.next(), None);
}

#[test]
fn recent_pairs_do_not_repeat() {
    let distinct = |recent| {
        let events: Vec<Event> = Memory::new(100, 400, recent).stream(2, SMALL).unwrap().collect();
        events.iter().map(|event| (event.user, event.item)).collect::<HashSet<_>>().len()
    };
    assert!(distinct(12_000) > 3_850, "{}", distinct(12_000));
    assert!(distinct(0) < 3_500, "{}", distinct(0));
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn ranks_follow_the_zipf_mandelbrot_law() {
    let (mut rows, mut ranks) = (vec![0.0; rows_len(50)], vec![0; 50]);
    let mut crowd = Crowd::new(CrowdMemory { rows: &mut rows, ranks: &mut ranks }, 0.1);
    let mut generator = Generator::new(3);
    for id in 0..50 {
        assert_eq!(crowd.arrive(&mut generator), id);
    }
    let mut seen = [0_u32; 50];
    let n = 200_000;
    for _ in 0..n {
        seen[crowd.rank(&mut generator) as usize] += 1;
    }
    for (rank, &count) in seen.iter().enumerate() {
        // The law's share of [rank, rank + 1) with q = 5.
        let rank = rank as f64;
        let share = math::ln_f64((rank + 6.0) / (rank + 5.0)) / math::ln_f64(11.0);
        let expected = share * f64::from(n);
        assert!((f64::from(count) - expected).abs() < 5.0 * expected.sqrt(), "{rank}: {count} of {expected}");
    }
    let mut ids = crowd.ranks.to_vec();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..50));
}

#[test]
fn those_at_the_top_hold_out_for_a_while_and_fade() {
    let (mut rows, mut ranks) = (vec![0.0; rows_len(1_000)], vec![0; 1_000]);
    let mut crowd = Crowd::new(CrowdMemory { rows: &mut rows, ranks: &mut ranks }, 0.02);
    let mut generator = Generator::new(4);
    let mut arrive_until = |count: u32| {
        while crowd.present < count {
            crowd.arrive(&mut generator);
        }
        crowd.ranks[..50].iter().copied().collect::<HashSet<_>>()
    };
    let (early, soon, late) = (arrive_until(250), arrive_until(300), arrive_until(1_000));
    let still = |later: &HashSet<u32>| early.intersection(later).count();
    assert!(still(&soon) >= 30 && still(&late) <= 15, "{} and {} of 50", still(&soon), still(&late));
}

#[test]
fn users_choose_by_taste() {
    let mean = |taste: f32| {
        let mut memory = Memory::new(100, 150, 12_000);
        let mut stream = memory.stream(6, SyntheticConfig { taste, ..SMALL }).unwrap();
        let mut sum = 0.0;
        while let Some(event) = stream.next() {
            sum += stream.affinity(event.user, event.item);
        }
        sum / 4_000.0
    };
    assert!(mean(0.0).abs() < 0.1, "{}", mean(0.0));
    assert!(mean(8.0) > 0.3, "{}", mean(8.0));
}

#[test]
fn drift_keeps_the_size_of_a_taste_and_forgets_its_direction() {
    let (mut rows, mut ranks) = (vec![0.0; rows_len(40)], vec![0; 40]);
    let mut crowd = Crowd::new(CrowdMemory { rows: &mut rows, ranks: &mut ranks }, 0.1);
    let mut generator = Generator::new(7);
    let mut squares = 0.0;
    for _ in 0..40 {
        let id = crowd.arrive(&mut generator);
        let start = crowd.taste(id).to_vec();
        crowd.drift(id, 0.0, &mut generator);
        assert_eq!(crowd.taste(id), start);
        for _ in 0..1_000 {
            crowd.drift(id, 0.02, &mut generator);
        }
        squares += math::squared_norm(crowd.taste(id));
    }
    assert!((squares / 40.0 - 1.0).abs() < 0.3, "{}", squares / 40.0);
}

#[test]
fn every_error_says_what_is_wrong() {
    let refusal = |users, items, config| Memory::new(users, items, 4).stream(1, config).unwrap_err();
    let q = PerSide::new;
    for (config, error) in [
        (SyntheticConfig { flatness: q(0.0, 0.1), ..SMALL }, SyntheticError::Flatness),
        (SyntheticConfig { flatness: q(0.1, f32::NAN), ..SMALL }, SyntheticError::Flatness),
        (SyntheticConfig { candidates: 0, ..SMALL }, SyntheticError::Candidates),
        (SyntheticConfig { candidates: 1_001, ..SMALL }, SyntheticError::Candidates),
        (SyntheticConfig { taste: -0.1, ..SMALL }, SyntheticError::Taste),
        (SyntheticConfig { taste: f32::INFINITY, ..SMALL }, SyntheticError::Taste),
        (SyntheticConfig { drift: f32::NAN, ..SMALL }, SyntheticError::Drift),
    ] {
        assert_eq!(refusal(3, 3, config), error);
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(refusal(0, 3, SMALL), SyntheticError::NoRoom(Side::User));
    assert_eq!(refusal(3, 0, SMALL), SyntheticError::NoRoom(Side::Item));
    assert_eq!(SyntheticError::NoRoom(Side::Item).to_string(), "no room for an item");
}

#[test]
fn the_smallest_streams_work() {
    let mut memory = Memory::new(1, 1, 1);
    let events: Vec<Event> = memory.stream(1, SyntheticConfig { events: 3, ..SMALL }).unwrap().collect();
    assert_eq!(events, [Event { user: 0, item: 0 }; 3]);
    assert_eq!(memory.stream(1, SyntheticConfig { events: 0, ..SMALL }).unwrap().next(), None);
    // Fewer events than entities: one of each side at a time.
    let mut memory = Memory::new(9, 9, 0);
    let events: Vec<Event> = memory.stream(1, SyntheticConfig { events: 2, ..SMALL }).unwrap().collect();
    assert_eq!(events, [Event { user: 0, item: 0 }, Event { user: 1, item: 1 }]);
}
