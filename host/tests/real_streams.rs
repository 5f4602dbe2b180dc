//! Five real streams, if they are at hand, have the counts that are stated with them.

use std::path::{Path, PathBuf};

use scall::input::{Format, ReadOptions, read};
use scall::stream::{PrepareOptions, Stream, prepare};

struct Expected {
    file: &'static str,
    format: Format,
    rows: u64,
    skipped_rows: u64,
    /// Distinct pairs, users and items as read.
    read: (usize, usize, usize),
    /// Interactions, users and items of the 5-core.
    five_core: (usize, usize, usize),
    /// The first and last time as read.
    times: (i64, i64),
}

const STREAMS: [Expected; 5] = [
    Expected {
        file: "ml-100k/u.data.gz",
        format: Format::MovieLensTab,
        rows: 100_000,
        skipped_rows: 0,
        read: (100_000, 943, 1_682),
        five_core: (99_287, 943, 1_349),
        times: (874_724_710, 893_286_638),
    },
    Expected {
        file: "yelp-khgt/yelp_events.tsv.gz",
        format: Format::Tsv,
        rows: 722_659,
        skipped_rows: 0,
        read: (681_433, 19_800, 22_734),
        five_core: (681_425, 19_798, 22_734),
        // 2005-03-03 12:50:37 to 2019-12-13 09:10:05
        times: (1_109_854_237, 1_576_228_205),
    },
    Expected {
        file: "gowalla-lbsn3/Gowalla_checkins.txt.gz",
        format: Format::CheckIn,
        rows: 157_251,
        skipped_rows: 0,
        read: (92_845, 1_000, 24_209),
        five_core: (52_805, 940, 5_135),
        // 2009-02-03 21:17:38 to 2010-10-22 03:24:05
        times: (1_233_695_858, 1_287_717_845),
    },
    Expected {
        file: "amazon-grocery-rechorus/train.csv.gz",
        format: Format::Tsv,
        rows: 121_892,
        skipped_rows: 0,
        read: (121_892, 14_681, 8_687),
        five_core: (80_226, 6_404, 4_371),
        // 2000-08-09 to 2014-07-22
        times: (965_779_200, 1_405_987_200),
    },
    Expected {
        file: "online-retail/online_retail.csv.gz",
        format: Format::Csv,
        rows: 541_909,
        skipped_rows: 135_080,
        read: (267_615, 4_372, 3_684),
        five_core: (265_832, 4_087, 3_154),
        // 2010-12-01 08:26 to 2011-12-09 12:50
        times: (1_291_191_960, 1_323_435_000),
    },
];

fn counts(stream: &Stream) -> (usize, usize, usize) {
    (stream.len(), stream.entities().user, stream.entities().item)
}

fn load(path: &Path, keep_repeats: bool, k_core: u32) -> Stream {
    let interactions = read(path, &ReadOptions::default()).unwrap();
    prepare(interactions, &PrepareOptions { keep_repeats, k_core }).unwrap()
}

#[test]
fn the_counts_are_as_stated() {
    let data: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    for expected in &STREAMS {
        let path = data.join(expected.file);
        if !path.is_file() {
            eprintln!("skipped: {} is not there", path.display());
            continue;
        }
        let whole = load(&path, true, 1);
        assert_eq!(whole.len() as u64, expected.rows - expected.skipped_rows, "{}", expected.file);
        assert_eq!(
            (whole.format, whole.rows, whole.skipped_rows),
            (expected.format, expected.rows, expected.skipped_rows)
        );
        let times = (whole.first_timestamp().unwrap(), whole.last_timestamp().unwrap());
        assert_eq!(times, expected.times, "{}", expected.file);
        assert_eq!(counts(&load(&path, false, 1)), expected.read, "{}", expected.file);
        let five_core = load(&path, false, 5);
        assert_eq!(counts(&five_core), expected.five_core, "{}", expected.file);
        assert!(five_core.times.is_sorted());
    }
}
