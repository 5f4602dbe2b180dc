use super::*;
use crate::arena::{ArenaMemory, boundaries_len};
use crate::ids::index_len;
use crate::policy::Actor;
use crate::random::Generator;
use crate::recommender::{RecommenderConfig, RecommenderMemory, class_ends_len, seen_len};
use crate::segment::{ActionSpace, Decider, LoopError, LoopSettings, ResizeSettings};
use crate::sizes::{Bounds, Distribution, SizeSettings, counts_len};
use crate::snapshot;
use crate::state::StateConfig;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const USERS: usize = 4;
const ITEMS: usize = 6;
const BOUNDS: Bounds = Bounds { min: 1, max: 8 };
const STATE: StateConfig = StateConfig { groups: 2, width: 0, min_size: 1, max_size: 8 };

/// Runs `test` with a device whose policy has all weights zero.
fn with_device<R>(test: impl FnOnce(&mut Device<'_, f32, Actor<'_>>) -> R) -> R {
    with_parts(|segments, ids| test(&mut Device::new(segments, ids).unwrap()))
}

fn with_parts<R>(test: impl FnOnce(SegmentLoop<'_, f32, Actor<'_>>, PerSide<IdTable<'_>>) -> R) -> R {
    let mut floats = PerSide::new(vec![0.0; 2 * USERS + 8], vec![0.0; 2 * ITEMS + 8]);
    let mut words = PerSide::new(vec![0; 3 * USERS + 1 + 9], vec![0; 3 * ITEMS + 1 + 9]);
    let mut index = PerSide::new(vec![0; index_len(USERS)], vec![0; index_len(ITEMS)]);
    let (mut values, mut class_ends, mut seen) =
        (vec![0.0; 60], vec![0; class_ends_len(ITEMS, 9)], vec![0; seen_len(64)]);
    let mut cut = |side: Side, length| floats.get_mut(side).drain(..length).collect::<Vec<f32>>();
    let mut accumulators = PerSide::new(cut(Side::User, USERS), cut(Side::Item, ITEMS));
    let mut frequencies = PerSide::new(cut(Side::User, USERS), cut(Side::Item, ITEMS));
    let mut means = PerSide::new(cut(Side::User, 8), cut(Side::Item, 8));
    let mut cut = |side: Side, length| words.get_mut(side).drain(..length).collect::<Vec<u32>>();
    let mut boundaries =
        PerSide::new(cut(Side::User, boundaries_len(USERS)), cut(Side::Item, boundaries_len(ITEMS)));
    let mut scratch = PerSide::new(cut(Side::User, USERS), cut(Side::Item, ITEMS));
    let mut counts = PerSide::new(cut(Side::User, counts_len(8)), cut(Side::Item, counts_len(8)));
    let mut ids = PerSide::new(vec![0; USERS], vec![0; ITEMS]);
    let memory = RecommenderMemory {
        arena: ArenaMemory {
            values: &mut values,
            user_boundaries: &mut boundaries.user,
            item_boundaries: &mut boundaries.item,
        },
        accumulators: PerSide::new(&mut accumulators.user, &mut accumulators.item),
        frequencies: PerSide::new(&mut frequencies.user, &mut frequencies.item),
        words: PerSide::new(&mut scratch.user, &mut scratch.item),
        class_ends: &mut class_ends,
        means: PerSide::new(&mut means.user, &mut means.item),
        seen: &mut seen,
    };
    let config = RecommenderConfig::default().validate().unwrap();
    let recommender = Recommender::new(memory, config, PerSide::new(2, 3), 60, 1).unwrap();
    let weights = vec![0; Actor::weights_len(STATE.len() as u32, 3)];
    let (mut hidden, mut states) = ([0.0; 6], vec![0.0; Decider::states_len(&STATE)]);
    let policy = Actor::new(STATE.len() as u32, 3, &weights, &mut hidden).unwrap();
    let decider =
        Decider::new(policy, STATE, ActionSpace::BALANCED, Distribution::PowerLaw, &mut states).unwrap();
    let settings = LoopSettings {
        resize: ResizeSettings {
            sizes: SizeSettings {
                distribution: Distribution::PowerLaw,
                bounds: PerSide::new(BOUNDS, BOUNDS),
            },
            ..ResizeSettings::default()
        },
        half_life: 1.0,
        reserve: 8,
    };
    let counts = PerSide::new(&mut counts.user[..], &mut counts.item[..]);
    let segments = SegmentLoop::new(recommender, decider, settings, counts, Generator::new(2));
    let tables = PerSide::new(
        IdTable::new(&mut ids.user, &mut index.user).unwrap(),
        IdTable::new(&mut ids.item, &mut index.item).unwrap(),
    );
    test(segments, tables)
}

fn close(device: &mut Device<'_, f32, Actor<'_>>) {
    let segments = device.segments_mut();
    segments.close_segment().unwrap();
    segments.reward(0.5).unwrap();
    let positions = segments.propose(true).unwrap();
    assert_eq!(positions, [0.5; 3]);
    segments.apply(positions).unwrap();
}

#[test]
fn recommendations_are_ids_and_strangers_get_some() {
    with_device(|device| {
        for event in [(7, u32::MAX), (9, u32::MAX), (7, 0), (9, 1_000_000), (u32::MAX, 5)] {
            device.observe(event.0, event.1).unwrap();
        }
        let ids = |user| {
            let mut out = [Scored::NONE; 9];
            let found = device.recommend(user, &mut out);
            let mut ids: Vec<u32> = out[..found].iter().map(|scored| scored.item).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(7), [5, 1_000_000]);
        assert_eq!(ids(u32::MAX), [0, 1_000_000, u32::MAX]);
        assert_eq!(ids(8), [0, 5, 1_000_000, u32::MAX]);
        assert!(device.has_seen(9, 1_000_000) && !device.has_seen(9, 0) && !device.has_seen(3, 0));
    });
}

#[test]
fn a_restored_device_goes_on_with_the_same_bits() {
    let mut bytes = vec![0; 4_000];
    let live = |device: &mut Device<'_, f32, Actor<'_>>, events: core::ops::Range<u32>| {
        for n in events {
            device.observe(n * n % 13, n % 11).unwrap();
            if n % 20 == 19 {
                close(device);
            }
        }
    };
    let whole = |device: &Device<'_, f32, Actor<'_>>, bytes: &mut [u8]| {
        let length = snapshot::save(&[1], device, bytes).unwrap();
        bytes[..length].to_vec()
    };
    let (middle, end) = with_device(|device| {
        live(device, 0..50);
        let middle = whole(device, &mut bytes);
        live(device, 50..90);
        (middle, whole(device, &mut bytes))
    });
    with_device(|device| {
        live(device, 0..7);
        snapshot::load(&[1], device, &middle).unwrap();
        live(device, 50..90);
        assert!(device.evicted(Side::User) > 0 && device.evicted(Side::Item) > 0);
        assert_eq!(whole(device, &mut bytes), end);
    });
}

#[test]
fn a_decision_in_slices_comes_to_the_same_sizes() {
    let decided = |in_slices: bool| {
        with_device(|device| {
            for n in 0..60_u32 {
                device.observe(n * n % 13, n % 11).unwrap();
                if n % 20 == 19 && !in_slices {
                    close(device);
                } else if n % 20 == 19 {
                    let segments = device.segments_mut();
                    segments.close_segment().unwrap();
                    segments.reward(0.5).unwrap();
                    let positions = segments.propose(true).unwrap();
                    segments.begin_apply(positions).unwrap();
                    assert_eq!(segments.apply(positions).unwrap_err(), LoopError::Busy);
                    assert_eq!(segments.close_segment().unwrap_err(), LoopError::Busy);
                    let refused = snapshot::save(&[], device, &mut []);
                    assert_eq!(refused, Err(snapshot::SnapshotError::Unfinished));
                    while !device.segments_mut().poll(1).unwrap() {}
                    assert!(!device.segments().is_busy());
                }
            }
            let arena = device.recommender().arena();
            let sizes = |side| (0..arena.count(side)).map(|id| arena.size(side, id)).collect::<Vec<_>>();
            (sizes(Side::User), sizes(Side::Item), arena.used(), device.recommender().admission_sizes())
        })
    };
    let whole = decided(false);
    assert_eq!(decided(true), whole);
    assert!(whole.0.iter().any(|&size| size != whole.0[0]), "sizes differ: {whole:?}");
}

#[test]
fn tables_of_other_capacities_are_refused() {
    with_parts(|segments, ids| {
        let error = Device::new(segments, PerSide::new(ids.item, ids.user)).unwrap_err();
        assert_eq!(error, CapacityError { side: Side::User, slots: 6, places: 4 });
    });
}

proptest! {
    #![proptest_config(crate::testing::config(64))]

    /// Whatever comes between the slices of a decision, nothing is refused and the budget is kept.
    #[test]
    fn events_between_slices_do_no_harm(
        events in prop::collection::vec((0_u32..7, 0_u32..9), 1..150),
        segment in 3_u32..12,
        elements in 1_u32..40,
    ) {
        with_device(|device| {
            let mut since = 0;
            for event in events {
                let known = device.ids(Side::Item).slot(event.1).is_some() && !device.has_seen(event.0, event.1);
                let mut out = [Scored::NONE; ITEMS];
                let found = device.recommend(event.0, &mut out);
                prop_assert!(!known || out[..found].iter().any(|scored| scored.item == event.1));
                device.observe(event.0, event.1).unwrap();
                prop_assert!(device.has_seen(event.0, event.1));
                let segments = device.segments_mut();
                segments.poll(elements).unwrap();
                let arena = segments.recommender().arena();
                prop_assert!(arena.used() <= arena.budget());
                since += 1;
                if since >= segment && !segments.is_busy() {
                    since = 0;
                    segments.close_segment().unwrap();
                    segments.begin_apply([0.5; 3]).unwrap();
                }
            }
            while !device.segments_mut().poll(elements).unwrap() {}
            prop_assert_eq!(device.recommender().admission_sizes(), PerSide::new(2, 3));
            let arena = device.recommender().arena();
            let total = |side| (0..arena.count(side)).map(|id| arena.size(side, id)).sum::<u32>();
            prop_assert_eq!(total(Side::User) + total(Side::Item) + 5, arena.used());
            Ok(())
        })?;
    }

    /// Whoever has the smallest decayed count goes, the first slot among equals; nobody else.
    #[test]
    fn the_rarest_make_way(
        events in prop::collection::vec((0_u32..9, 0_u32..14), 0..120),
        segment in 5_usize..40,
    ) {
        with_device(|device| {
            let mut model: PerSide<Vec<(u32, f32)>> = PerSide::default();
            let mut evicted = PerSide::new(0, 0);
            for (n, event) in events.into_iter().enumerate() {
                // Ids at the ends of their range as well.
                let ids = PerSide::new(event.0.wrapping_sub(4), event.1.wrapping_mul(0x1999_9999));
                let mut new = PerSide::new(false, false);
                for (side, capacity) in [(Side::User, USERS), (Side::Item, ITEMS)] {
                    let (slots, id) = (model.get_mut(side), *ids.get(side));
                    if let Some(slot) = slots.iter_mut().find(|slot| slot.0 == id) {
                        slot.1 += 1.0;
                        continue;
                    }
                    *new.get_mut(side) = true;
                    if slots.len() < capacity {
                        slots.push((id, 1.0));
                    } else {
                        let least = slots.iter().map(|slot| slot.1).fold(f32::INFINITY, f32::min);
                        *slots.iter_mut().find(|slot| slot.1 == least).unwrap() = (id, 1.0);
                        *evicted.get_mut(side) += 1;
                    }
                }
                let observed = device.observe(ids.user, ids.item).unwrap();
                prop_assert_eq!((observed.new_user, observed.new_item), (new.user, new.item));
                if n % segment == segment - 1 {
                    close(device);
                    for slot in model.user.iter_mut().chain(&mut model.item) {
                        slot.1 *= 0.5;
                    }
                }
                for side in Side::BOTH {
                    prop_assert_eq!(device.evicted(side), *evicted.get(side));
                    prop_assert_eq!(device.ids(side).count() as usize, model.get(side).len());
                    for (slot, &(id, count)) in (0..).zip(model.get(side)) {
                        prop_assert_eq!(device.ids(side).id(slot), Some(id));
                        prop_assert_eq!(device.ids(side).slot(id), Some(slot));
                        prop_assert_eq!(device.recommender().frequencies().get(side, slot), count);
                    }
                }
                prop_assert!(device.recommender().arena().used() <= device.recommender().arena().budget());
            }
            Ok(())
        })?;
    }
}
