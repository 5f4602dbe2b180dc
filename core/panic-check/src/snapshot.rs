//! Snapshots, of everything that can be in one.

use core::hint::black_box;
use scall_core::arena::{Arena, ArenaStore, boundaries_len};
use scall_core::envelope::Checksum;
use scall_core::frequency::Frequencies;
use scall_core::random::Generator;
use scall_core::side::PerSide;
use scall_core::snapshot::{self, Reader, Snapshot, SnapshotError, Writer};

struct All<'a> {
    arena: Arena<'a>,
    frequencies: Frequencies<'a>,
    generator: Generator,
}

impl Snapshot for All<'_> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        self.arena.save(writer)?;
        self.frequencies.save(writer)?;
        self.generator.save(writer)
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.arena.load(reader)?;
        self.frequencies.load(reader)?;
        self.generator.load(reader)
    }
}

pub fn exercise() {
    let mut store: ArenaStore<64, { boundaries_len(4) }, { boundaries_len(4) }> = ArenaStore::new();
    let (mut users, mut items) = ([0.0; 4], [0.0; 4]);
    let frequencies = Frequencies::new(black_box(&mut users), black_box(&mut items));
    let Ok(arena) = Arena::new(black_box(store.lend()), PerSide::new(1, 2), black_box(50)) else { return };
    let mut all = black_box(All { arena, frequencies, generator: Generator::new(black_box(1)) });
    let mut bytes = black_box([0; 500]);
    let bytes = bytes.get_mut(..black_box(400)).unwrap_or_default();
    let shape = black_box([1, 2, 3]);
    let shape = shape.get(..black_box(2)).unwrap_or_default();
    let _ = black_box(snapshot::size(shape, &all));
    let _ = black_box(snapshot::save(shape, &all, bytes));
    let _ = black_box(snapshot::load(shape, &mut all, black_box(bytes)));
    let mut piece = black_box([0; 40]);
    let piece = piece.get_mut(..black_box(30)).unwrap_or_default();
    let mut checksum = black_box(Checksum::new());
    let taken = snapshot::save_in_pieces(shape, &all, piece, |piece| {
        checksum.update(black_box(piece));
        black_box(Err::<(), u32>(1))
    });
    let _ = black_box((taken, checksum.value()));
    let fetched = snapshot::load_in_pieces(shape, &mut all, piece, |index, piece| {
        black_box((index, piece));
        black_box(Err::<usize, u32>(1))
    });
    let _ = black_box(fetched);
    black_box(all.generator.next_u32());
}
