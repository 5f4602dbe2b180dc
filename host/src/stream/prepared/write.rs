//! Writing prepared streams.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use parquet::basic::Encoding;
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::{Description, END, GROUP, KEY, MARK, SCHEMA, VERSION};
use crate::input::{Interactions, Names};
use crate::output;
use crate::stream::PrepareOptions;

/// Rows that are handed over at a time.
const BATCH: usize = 1 << 14;

/// Writes interactions that [`super::super::select`] gave, with the filters they went through.
///
/// O(interactions); holds about 10 bytes an interaction of one group of 4 million, and the names twice.
///
/// # Errors
/// The file cannot be written; an old one is then untouched.
pub fn write(path: &Path, interactions: &Interactions, filters: PrepareOptions) -> Result<()> {
    output::replace(path, |out| write_to(out, interactions, filters, GROUP).map_err(into_io))
}

fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

pub(super) fn write_to(
    out: &mut (dyn Write + Send),
    interactions: &Interactions,
    filters: PrepareOptions,
    group: usize,
) -> Result<(), ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(concat!("scall ", env!("CARGO_PKG_VERSION")).to_owned())
        // Names that outgrow this follow as plain strings, which are read as well.
        .set_dictionary_page_size_limit(1 << 30)
        .set_data_page_row_count_limit(1 << 17)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_dictionary_enabled(ColumnPath::from("time"), false)
        .set_column_encoding(ColumnPath::from("time"), Encoding::DELTA_BINARY_PACKED)
        .set_max_row_group_row_count(None)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let checked = Checked { out, digest: crc32fast::Hasher::new(), tail: None };
    let mut writer = SerializedFileWriter::new(checked, schema, Arc::new(properties))?;
    let users = Strings::new(&interactions.user_names);
    let items = Strings::new(&interactions.item_names);
    let rows = interactions.users.len();
    for start in (0..rows).step_by(group) {
        let rows = start..rows.min(start + group);
        let mut columns = writer.next_row_group()?;
        users.write(&mut columns, &interactions.users[rows.clone()])?;
        items.write(&mut columns, &interactions.items[rows.clone()])?;
        write_times(&mut columns, &interactions.times[rows.clone()])?;
        write_ratings(&mut columns, interactions.ratings.get(rows.clone()), rows.len())?;
        columns.close()?;
    }
    let description = Description {
        version: VERSION,
        source: interactions.name.clone(),
        keep_repeats: filters.keep_repeats,
        k_core: filters.k_core,
    };
    let json = serde_json::to_string(&description).map_err(|error| ParquetError::External(error.into()))?;
    writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), json));
    writer.flush()?;
    writer.inner_mut().tail = Some(Vec::new());
    Ok(writer.into_inner()?.finish()?)
}

/// Names in the form that the format wants, made once: rows share them.
struct Strings(Vec<ByteArray>);

impl Strings {
    fn new(names: &Names) -> Self {
        Self(names.iter().map(ByteArray::from).collect())
    }

    fn write<W: Write + Send>(
        &self,
        columns: &mut SerializedRowGroupWriter<'_, W>,
        ids: &[u32],
    ) -> Result<(), ParquetError> {
        let mut column = columns.next_column()?.ok_or(ParquetError::EOF("no more columns".to_owned()))?;
        let mut batch = Vec::with_capacity(BATCH);
        for ids in ids.chunks(BATCH) {
            batch.clear();
            batch.extend(ids.iter().filter_map(|&id| self.0.get(id as usize)).cloned());
            column.typed::<ByteArrayType>().write_batch(&batch, None, None)?;
        }
        column.close()
    }
}

fn write_times<W: Write + Send>(
    columns: &mut SerializedRowGroupWriter<'_, W>,
    times: &[i64],
) -> Result<(), ParquetError> {
    let mut column = columns.next_column()?.ok_or(ParquetError::EOF("no more columns".to_owned()))?;
    for times in times.chunks(BATCH) {
        column.typed::<Int64Type>().write_batch(times, None, None)?;
    }
    column.close()
}

/// Writes nulls where there are no ratings at all.
fn write_ratings<W: Write + Send>(
    columns: &mut SerializedRowGroupWriter<'_, W>,
    ratings: Option<&[Option<f32>]>,
    rows: usize,
) -> Result<(), ParquetError> {
    let mut column = columns.next_column()?.ok_or(ParquetError::EOF("no more columns".to_owned()))?;
    for start in (0..rows).step_by(BATCH) {
        let length = BATCH.min(rows - start);
        let batch = ratings.and_then(|ratings| ratings.get(start..start + length)).unwrap_or_default();
        let values: Vec<f32> = batch.iter().copied().flatten().collect();
        let mut present: Vec<i16> = batch.iter().map(|rating| i16::from(rating.is_some())).collect();
        present.resize(length, 0);
        column.typed::<FloatType>().write_batch(&values, Some(&present), None)?;
    }
    column.close()
}

/// Sums up what passes through, and keeps the tail back until the sum is known.
struct Checked<'a> {
    out: &'a mut (dyn Write + Send),
    digest: crc32fast::Hasher,
    tail: Option<Vec<u8>>,
}

impl Checked<'_> {
    /// Writes the tail with the checksum in front of the footer.
    fn finish(mut self) -> io::Result<()> {
        let tail = self.tail.take().unwrap_or_default();
        self.digest.update(&tail);
        let end = tail.last_chunk::<END>().and_then(|end| end.first_chunk()).copied().unwrap_or_default();
        let footer = (u32::from_le_bytes(end) as usize).saturating_add(END);
        let (before, footer) = tail.split_at(tail.len().saturating_sub(footer));
        for part in [before, MARK, &self.digest.finalize().to_le_bytes(), footer] {
            self.out.write_all(part)?;
        }
        self.out.flush()
    }
}

impl Write for Checked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
