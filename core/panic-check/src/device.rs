//! Ids, a device, and what it reads from flash.

use core::hint::black_box;
use scall_core::Side;
use scall_core::device::{DeviceMemory, DeviceSettings, DeviceShape};
use scall_core::envelope::Header;
use scall_core::ids::{IdTable, index_len};
use scall_core::policy::{Actor, Policy, Transition};
use scall_core::scenario::{Packed, Run, STORED_POLICY, Scenario, Stored, Training};
use scall_core::segment::PolicyFile;
use scall_core::side::PerSide;
use scall_core::snapshot;
use scall_core::stream::{Event, StreamBlob, TurnoverConfig, TurnoverStream};

pub fn exercise() {
    let (mut ids, mut index) = (black_box([0_u32; 9]), black_box([0_u8; index_len(9)]));
    let (ids, index) = (ids.get_mut(..black_box(7)), index.get_mut(..black_box(12)));
    if let Ok(mut table) = IdTable::new(ids.unwrap_or_default(), index.unwrap_or_default()) {
        black_box(table.admit(black_box(3)));
        black_box(table.hand_over(black_box(0), black_box(9)));
        black_box((table.slot(black_box(9)), table.id(black_box(5)), table.count(), table.capacity()));
        let mut bytes = black_box([0_u8; 64]);
        let _ = black_box(snapshot::save(&[], &table, &mut bytes));
        let _ = black_box(snapshot::load(&[], &mut table, &bytes));
    }

    let bytes = black_box(STORED_POLICY).get(..black_box(900)).unwrap_or_default();
    if let Ok(file) = PolicyFile::open(bytes) {
        let (mut scratch, mut states) = (black_box([0.0; 64]), black_box([0.0; 64]));
        black_box(PolicyFile::len(&file.state, file.hidden));
        if let Ok(mut decider) = file.decider(&mut scratch, &mut states) {
            let _ = black_box(decider.propose(black_box(true)));
            let _ = black_box(decider.reward(black_box([0.5; 3]), black_box(1.0), black_box(true)));
            black_box(decider.policy().shape());
        }
    }
    let weights = black_box([0_u8; 500]);
    let mut scratch = black_box([0.0; 40]);
    let weights = weights.get(..black_box(400)).unwrap_or_default();
    if let Ok(mut actor) = Actor::new(black_box(7), black_box(3), weights, &mut scratch) {
        let numbers = black_box([0.5; 9]);
        let state = numbers.get(..black_box(7)).unwrap_or_default();
        let _ = black_box(actor.act(state));
        let transition = Transition { state, action: [0.5; 3], reward: 1.0, next_state: state };
        let _ = black_box(actor.learn(&transition));
        let mut bytes = black_box([0_u8; 64]);
        let _ = black_box(snapshot::save(&[], &actor, &mut bytes));
        let _ = black_box(snapshot::load(&[], &mut actor, &bytes));
    }

    started();

    let mut bytes = black_box([0_u8; 200]);
    black_box(Header::read(bytes.get(..black_box(30)).unwrap_or_default()));
    let output = bytes.get_mut(..black_box(150)).unwrap_or_default();
    let events = black_box([(0_u16, 1_u16); 5]);
    let _ = black_box(StreamBlob::write(&black_box([3, 4]), &black_box([5]), events.into_iter(), output));
    if let Ok(blob) = StreamBlob::open(output) {
        black_box(blob.events().last());
        black_box((blob.users(), blob.items()));
    }
    let config = TurnoverConfig {
        events: black_box(9),
        entities: black_box(PerSide::new(2, 3)),
        flatness: black_box(PerSide::new(1.0, 2.0)),
        candidates: black_box(3),
        taste: black_box(4.0),
    };
    let mut recent = black_box([0_u32; 9]);
    let mut stream =
        TurnoverStream::new(black_box(1), config, recent.get_mut(..black_box(7)).unwrap_or_default());
    black_box((stream.next(), stream.len(), stream.present(Side::Item)));

    let mut scenario = Scenario::<Stored>::new();
    let _ = black_box(black_box(&mut scenario).run(black_box(42)));
    let _ = black_box(black_box(&mut scenario).replay(black_box(42), black_box(&mut stream)));
    let _ = black_box(black_box(&mut scenario).measure(black_box(42), || black_box(3)));
    let mut packed = Packed::new();
    let _ = black_box(black_box(&mut packed).run(black_box(42)));
    let mut scenario = Scenario::<Training>::new();
    let _ = black_box(black_box(&mut scenario).run(black_box(42)));
    let _ = black_box(black_box(&mut scenario).train(black_box(42), black_box(&mut bytes)));
}

/// A device of a shape that nobody knows before.
fn started() {
    let shape = black_box(DeviceShape {
        users: 5,
        items: 9,
        parameters: 120,
        largest: 12,
        seen_pairs: 20,
        groups: 2,
        hidden: 7,
    });
    black_box((
        shape.arena_bytes::<f32>(),
        shape.tables_bytes(),
        shape.states_len(),
        shape.actor_scratch_len(),
    ));
    let (mut values, mut floats) = (black_box([0.0; 200]), black_box([0.0; 200]));
    let (mut words, mut index) = (black_box([0_u32; 300]), black_box([0_u8; 60]));
    let memory = DeviceMemory {
        values: values.get_mut(..black_box(190)).unwrap_or_default(),
        floats: floats.get_mut(..black_box(190)).unwrap_or_default(),
        words: words.get_mut(..black_box(290)).unwrap_or_default(),
        index: index.get_mut(..black_box(50)).unwrap_or_default(),
    };
    let (mut scratch, mut states) = (black_box([0.0; 64]), black_box([0.0; 64]));
    let Ok(file) = PolicyFile::open(black_box(STORED_POLICY)) else { return };
    let Ok(decider) = file.decider(&mut scratch, &mut states) else { return };
    let settings = black_box(DeviceSettings::new(shape.largest));
    let Ok(device) = shape.start(memory, decider, &settings, black_box(1)) else { return };
    let mut run = Run::new(device, || black_box(3));
    let _ = black_box(run.take(core::iter::repeat_n(black_box(Event { user: 1, item: 2 }), black_box(4))));
    let mut bytes = black_box([0_u8; 500]);
    let _ = black_box(snapshot::save(&shape.snapshot_shape(), run.device(), &mut bytes));
    let mut numbers = black_box([0; 9]);
    let numbers = numbers.get_mut(..black_box(8)).unwrap_or_default();
    if let Ok(found) = snapshot::shape(&bytes, numbers) {
        black_box(DeviceShape::of_snapshot(found));
    }
    black_box(run.finish(|actor, digest| actor.weights().iter().for_each(|&byte| digest.byte(byte))));
}
