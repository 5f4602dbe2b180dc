//! A budget for everything, beside an allocator that measures.

use peak_alloc::PeakAlloc;
use scall::experiment::model::{self, Model, SizeScratch};
use scall::experiment::protocol::{Counts, equal_segments};
use scall::experiment::settings::Settings;
use scall::experiment::{Experiment, History, RunRequest, Storage, TableKind, total};
use scall::report::HeldParts;
use scall::stream::builtin::builtin;
use scall::stream::{PrepareOptions, prepare};
use scall_core::random::Generator;
use scall_core::segment::SizeRule;
use scall_core::side::{PerSide, Side};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Nothing is kept.
#[derive(Debug)]
struct Nothing;

impl scall::experiment::methods::SizingMethod for Nothing {
    fn decide(
        &mut self,
        _experiment: &Experiment<'_>,
        _segment: &scall::experiment::Segment,
        _recommender: &mut dyn Model,
        _violations: &mut u64,
    ) -> anyhow::Result<scall::experiment::methods::Decided> {
        anyhow::bail!("nobody asks")
    }
}

/// Everything that a share counts is made and used: before and after every event what the allocator has given out
/// since is what was counted, and with the ids no more than the total.
#[test]
fn what_the_allocator_gives_is_what_is_counted_at_every_event() {
    const TOTAL: u64 = 256 << 10;
    let stream = prepare(builtin(42).unwrap(), &PrepareOptions::default()).unwrap();
    let segments = equal_segments(&stream, 5).unwrap();
    let history = History::new(&stream);
    for (storage, tables) in [
        (Storage::F32, TableKind::Full),
        (Storage::F16, TableKind::Full),
        (Storage::I8, TableKind::Full),
        (Storage::F32, TableKind::Thin),
        (Storage::I8, TableKind::Thin),
    ] {
        let request = RunRequest {
            budget: format!("total:{TOTAL}B").parse().unwrap(),
            segments: 5,
            storage,
            tables,
            ..RunRequest::default()
        };
        let settings = Settings::of(&request);
        let experiment = Experiment {
            request: &request,
            settings: &settings,
            stream: &stream,
            history: &history,
            segments: &segments,
            share: None,
        };
        let shares = total::shares(&experiment, &Nothing).unwrap();
        assert_eq!(shares.len(), 5);
        let config = settings.recommender.validate().unwrap();
        for (share, segment) in shares.iter().zip(&segments) {
            let HeldParts { rows, tables, ids, seen, method, scratch } = share.parts;
            assert_eq!(method, 0);
            assert!(share.parts.sum() <= TOTAL);
            let before = ALLOCATOR.current_usage();
            let given = || (ALLOCATOR.current_usage() - before) as u64;
            let mut memory = model::memory(request.storage, request.tables, &share.capacity);
            let budget = share.capacity.parameters;
            let mut model = memory.model(config, experiment.cold_sizes(budget), budget, 42).unwrap();
            assert_eq!(given(), rows + tables + seen, "{storage:?}");
            let Counts { users, items } = segment.known;
            for (side, count) in [(Side::User, users), (Side::Item, items)] {
                for _ in 0..count {
                    model.admit(side, 0).unwrap();
                }
            }
            let mut counts = SizeScratch::new(settings.resize.sizes.bounds.user.max);
            assert_eq!(given(), rows + tables + seen + scratch, "{storage:?}");
            let head_room = budget / 8;
            let mut generator = Generator::new(1);
            model
                .resize(&SizeRule::Uniform, &settings.resize, head_room, counts.lend(), &mut generator)
                .unwrap();
            model.set_admission_sizes(PerSide::new(2, 3));
            let mut most = 0;
            for position in segment.test.clone() {
                let (user, item) = (stream.users[position], stream.items[position]);
                if share.admits(user, item)
                    && user <= model.count(Side::User)
                    && item <= model.count(Side::Item)
                {
                    model.observe(user, item).unwrap();
                }
                most = most.max(given());
                assert!(given() + ids <= TOTAL);
            }
            assert_eq!(most, share.parts.sum() - ids);
        }
    }
}
