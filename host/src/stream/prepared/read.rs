//! Reading prepared streams.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{FloatType, Int64Type};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::parser::parse_message_type;

use super::{
    Description, END, Fault, GROUP, KEY, MAGIC, MARK, PreparedError, SCHEMA, VERSION, holds, pages, typed,
};
use crate::input::{Format, Interactions, Interner, dataset_name, shown_path};
use crate::stream::PrepareOptions;

/// Times of a stream, in milliseconds.
const TIMES: std::ops::Range<i64> = 0..100_000_000_000_000;

/// Reads the prepared stream in `file`, which `path` names, and says what filters it went through: `wanted`, or
/// filters that keep more. Ratings are read if `ratings` asks for them.
///
/// O(interactions); holds 16 bytes an interaction and the names.
///
/// # Errors
/// The file cannot be read, is damaged or something else, or lacks interactions that `wanted` keeps.
pub fn read(
    file: File,
    path: &Path,
    wanted: PrepareOptions,
    ratings: bool,
) -> Result<(Interactions, PrepareOptions), PreparedError> {
    let shown = shown_path(path);
    let (reader, description) = open(file).map_err(|fault| fault.at(&shown))?;
    let held = description.filters();
    if !holds(held, wanted) {
        return Err(PreparedError::Filtered { path: shown, wanted: typed(wanted), found: typed(held) });
    }
    let mut columns = Columns::default();
    for group in 0..reader.num_row_groups() {
        let read = reader.get_row_group(group).map_err(Fault::from);
        read.and_then(|group| columns.read(&*group, ratings)).map_err(|fault| fault.at(&shown))?;
    }
    columns.check().map_err(|fault| fault.at(&shown))?;
    let interactions = Interactions {
        path: shown,
        name: dataset_name(path),
        format: Format::Prepared,
        rows: columns.users.len() as u64,
        skipped_rows: 0,
        users: columns.users,
        items: columns.items,
        times: columns.times,
        ratings: columns.ratings,
        user_names: columns.user_names.into_names(),
        item_names: columns.item_names.into_names(),
    };
    Ok((interactions, held))
}

/// Opens a file that was checked.
fn open(mut file: File) -> Result<(SerializedFileReader<File>, Description), Fault> {
    check_sum(&mut file)?;
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata().file_metadata();
    let entry =
        metadata.key_value_metadata().and_then(|entries| entries.iter().find(|entry| entry.key == KEY));
    let json = entry.and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let version: Version = described(json)?;
    if version.version != VERSION {
        return Err(Fault::Foreign(format!("version {}", version.version)));
    }
    let description = described(json)?;
    if *metadata.schema() != parse_message_type(SCHEMA)? {
        return Err(Fault::damaged("other columns than user, item, time, rating"));
    }
    Ok((reader, description))
}

/// Refuses a file that is not as it was written, before anything in it is taken for granted.
fn check_sum(file: &mut File) -> Result<(), Fault> {
    let length = file.seek(SeekFrom::End(0)).map_err(Fault::Unreadable)?;
    let early = || Fault::damaged("one that ends early");
    let end_at = length.checked_sub(END as u64).ok_or_else(early)?;
    let [a, b, c, d, magic @ ..] = read_at::<END>(file, end_at)?;
    if magic != *MAGIC {
        return Err(early());
    }
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    const MARKED: usize = MARK.len() + 4;
    let mark_at =
        end_at.checked_sub(footer).and_then(|at| at.checked_sub(MARKED as u64)).ok_or_else(early)?;
    let marked: [u8; MARKED] = read_at(file, mark_at)?;
    let Some(sum) = marked.strip_prefix(MARK) else {
        return Err(Fault::Foreign("another Parquet file".to_owned()));
    };
    let mut digest = crc32fast::Hasher::new();
    let mut block = vec![0; 1 << 18];
    for (start, end) in [(0, mark_at), (mark_at + MARKED as u64, length)] {
        file.seek(SeekFrom::Start(start)).map_err(Fault::Unreadable)?;
        let mut left = end - start;
        while left > 0 {
            let part = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.read_exact(&mut block[..part]).map_err(Fault::Unreadable)?;
            digest.update(&block[..part]);
            left -= part as u64;
        }
    }
    if digest.finalize().to_le_bytes() == sum { Ok(()) } else { Err(Fault::damaged("one that has changed")) }
}

fn read_at<const N: usize>(file: &mut File, at: u64) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes)).map_err(Fault::Unreadable)?;
    Ok(bytes)
}

/// The part of a description that all versions have.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

fn described<D: serde::de::DeserializeOwned>(json: &str) -> Result<D, Fault> {
    serde_json::from_str(json)
        .map_err(|error| Fault::Damaged(format!("a description that cannot be read: {error}")))
}

#[derive(Default)]
struct Columns {
    users: Vec<u32>,
    items: Vec<u32>,
    times: Vec<i64>,
    ratings: Vec<Option<f32>>,
    user_names: Interner,
    item_names: Interner,
}

impl Columns {
    fn read(&mut self, group: &dyn RowGroupReader, ratings: bool) -> Result<(), Fault> {
        let rows = usize::try_from(group.metadata().num_rows()).ok();
        // A value takes no byte at worst (one entry needs no bits), so only the checksum vouches for the count.
        let rows = rows
            .filter(|&rows| u32::try_from(self.users.len() + rows).is_ok())
            .ok_or_else(|| Fault::damaged("no possible number of rows"))?;
        self.users.reserve_exact(rows.min(GROUP));
        self.items.reserve_exact(rows.min(GROUP));
        self.times.reserve_exact(rows.min(GROUP));
        let mut pages = group.get_column_page_reader(0)?;
        pages::read_names(&mut *pages, rows, &mut self.user_names, &mut self.users)?;
        let mut pages = group.get_column_page_reader(1)?;
        pages::read_names(&mut *pages, rows, &mut self.item_names, &mut self.items)?;
        let columns = group.metadata().columns();
        let times = columns.get(2).ok_or_else(|| Fault::damaged("no times"))?.column_descr_ptr();
        let mut times = ColumnReaderImpl::<Int64Type>::new(times, group.get_column_page_reader(2)?);
        let (found, _, _) = times.read_records(rows, None, None, &mut self.times)?;
        if found != rows {
            return Err(Fault::damaged("fewer times than rows"));
        }
        if ratings {
            let column = columns.get(3).ok_or_else(|| Fault::damaged("no ratings"))?.column_descr_ptr();
            let mut column = ColumnReaderImpl::<FloatType>::new(column, group.get_column_page_reader(3)?);
            let (mut values, mut present) = (Vec::new(), Vec::new());
            let (found, _, _) = column.read_records(rows, Some(&mut present), None, &mut values)?;
            if found != rows {
                return Err(Fault::damaged("fewer ratings than rows"));
            }
            let mut values = values.into_iter();
            self.ratings.extend(present.iter().map(|&level| if level > 0 { values.next() } else { None }));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        if self.times.is_empty() {
            return Err(Fault::damaged("no interactions"));
        }
        if !self.times.is_sorted() {
            return Err(Fault::damaged("times that fall"));
        }
        let ends = [self.times.first(), self.times.last()];
        if ends.into_iter().flatten().any(|time| !TIMES.contains(time)) {
            return Err(Fault::damaged("a time outside 1970 to 5138"));
        }
        Ok(())
    }
}
