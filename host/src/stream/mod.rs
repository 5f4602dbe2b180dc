//! The stream that a run learns from: interactions in time order, filtered, with dense numbers.

pub mod builtin;
mod core_filter;
pub mod prepared;
mod repeats;

use scall_core::side::PerSide;

use crate::input::{Format, Interactions, Names};

/// Interactions in time order, column by column; equal times keep file order.
///
/// Users and items are numbered by first appearance in the stream, so that the order of the numbers is
/// the order of arrival and every prefix uses the numbers `0..n` of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The data set's name in reports.
    pub name: String,
    /// Where it came from.
    pub format: Format,
    /// Rows that were read.
    pub rows: u64,
    /// Rows among them that lacked a user or an item.
    pub skipped_rows: u64,
    /// The user of each interaction.
    pub users: Vec<u32>,
    /// The item of each interaction.
    pub items: Vec<u32>,
    /// The time of each interaction in Unix seconds, never falling.
    pub times: Vec<i64>,
    /// The users' names by number.
    pub user_names: Names,
    /// The items' names by number.
    pub item_names: Names,
}

impl Stream {
    /// How many interactions there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none; never so after [`prepare`].
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// How many users and items there are.
    pub fn entities(&self) -> PerSide<usize> {
        PerSide::new(self.user_names.len(), self.item_names.len())
    }

    /// The time of the first interaction, in Unix seconds.
    pub fn first_timestamp(&self) -> Option<i64> {
        self.times.first().copied()
    }

    /// The time of the last interaction, in Unix seconds.
    pub fn last_timestamp(&self) -> Option<i64> {
        self.times.last().copied()
    }

    /// All (user, item) pairs in order.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (u32, u32)> {
        self.users.iter().copied().zip(self.items.iter().copied())
    }
}

/// What is kept of the interactions that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepareOptions {
    /// Keep later interactions of the same user and item; otherwise only the first counts. Default off.
    pub keep_repeats: bool,
    /// After that, drop users and items with fewer interactions than this, until none is left to drop;
    /// 0 and 1 keep all. Default 5.
    pub k_core: u32,
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self { keep_repeats: false, k_core: 5 }
    }
}

/// Why interactions do not make a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The filter leaves nothing.
    #[error(
        "{path}: expected users and items with at least {k_core} interactions each (--k-core), found none \
         in {interactions} interactions of {users} users and {items} items"
    )]
    NothingLeft {
        /// The file as it was named.
        path: String,
        /// The filter's bound.
        k_core: u32,
        /// Interactions before it.
        interactions: usize,
        /// Users before it.
        users: usize,
        /// Items before it.
        items: usize,
    },
    /// More interactions than can be numbered.
    #[error("{path}: expected fewer than 2^32 interactions, found {interactions}")]
    TooMany {
        /// The file as it was named.
        path: String,
        /// Interactions in the file.
        interactions: usize,
    },
}

/// Puts interactions into time order, drops repeats, applies the k-core filter and renumbers.
///
/// O(n log n) for the sort, which files in time order are spared, and O(n) for everything else; holds at
/// most 32 bytes an interaction.
///
/// # Errors
/// The filter leaves nothing, or there are 2^32 interactions or more.
pub fn prepare(interactions: Interactions, options: &PrepareOptions) -> Result<Stream, StreamError> {
    Ok(finish(select(interactions, options)?))
}

/// Does the same with the interactions of a prepared stream, which went through `held` already.
///
/// O(n) if these are the same filters.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_again(
    interactions: Interactions,
    held: &PrepareOptions,
    options: &PrepareOptions,
) -> Result<Stream, StreamError> {
    if held == options { Ok(finish(interactions)) } else { prepare(interactions, options) }
}

/// Puts interactions into time order, drops repeats and applies the k-core filter; names stay as they are.
///
/// # Errors
/// As [`prepare`].
pub fn select(interactions: Interactions, options: &PrepareOptions) -> Result<Interactions, StreamError> {
    let Interactions { path, mut users, mut items, mut times, mut ratings, .. } = interactions;
    if u32::try_from(users.len()).is_err() {
        return Err(StreamError::TooMany { path, interactions: users.len() });
    }
    sort_by_time(&mut users, &mut items, &mut times, &mut ratings);
    let counts = PerSide::new(interactions.user_names.len(), interactions.item_names.len());
    let mut kept = vec![true; users.len()];
    if !options.keep_repeats {
        repeats::drop_repeats(&users, &items, counts, &mut kept);
    }
    let before = kept.iter().filter(|&&kept| kept).count();
    core_filter::k_core(&users, &items, counts, options.k_core, &mut kept);
    retain(&mut users, &kept);
    retain(&mut items, &kept);
    retain(&mut times, &kept);
    retain(&mut ratings, &kept);
    if users.is_empty() {
        let (users, items) = (counts.user, counts.item);
        return Err(StreamError::NothingLeft {
            path,
            k_core: options.k_core,
            interactions: before,
            users,
            items,
        });
    }
    Ok(Interactions { path, users, items, times, ratings, ..interactions })
}

/// Renumbers interactions that are selected, and gives their times in seconds.
fn finish(interactions: Interactions) -> Stream {
    let Interactions { name, format, rows, skipped_rows, mut users, mut items, mut times, .. } = interactions;
    for time in &mut times {
        *time = time.div_euclid(1000);
    }
    let user_names = renumber(&mut users, interactions.user_names);
    let item_names = renumber(&mut items, interactions.item_names);
    Stream { name, format, rows, skipped_rows, users, items, times, user_names, item_names }
}

/// Sorts the columns by time; equal times keep their order.
fn sort_by_time(
    users: &mut Vec<u32>,
    items: &mut Vec<u32>,
    times: &mut Vec<i64>,
    ratings: &mut Vec<Option<f32>>,
) {
    if times.is_sorted() {
        return;
    }
    // Numbered, equal times are in order without a stable sort and its memory.
    let mut order: Vec<u32> = (0..).take(times.len()).collect();
    order.sort_unstable_by_key(|&row| (times[row as usize], row));
    let by_order = |column: &[u32]| order.iter().map(|&row| column[row as usize]).collect();
    *users = by_order(users);
    *items = by_order(items);
    if !ratings.is_empty() {
        *ratings = order.iter().map(|&row| ratings[row as usize]).collect();
    }
    *times = order.iter().map(|&row| times[row as usize]).collect();
}

/// Keeps the marked elements.
fn retain<T>(column: &mut Vec<T>, kept: &[bool]) {
    let mut marks = kept.iter();
    column.retain(|_| marks.next().copied().unwrap_or(false));
    column.shrink_to_fit();
}

/// Numbers entities by first appearance; returns their names in that order.
fn renumber(ids: &mut [u32], names: Names) -> Names {
    let mut next = 0;
    let by_arrival = ids.iter().all(|&id| {
        next += u32::from(id == next);
        id < next
    });
    if by_arrival && next as usize == names.len() {
        return names;
    }
    let mut numbers = vec![u32::MAX; names.len()];
    let mut ordered = Names::default();
    for id in ids {
        let number = &mut numbers[*id as usize];
        if *number == u32::MAX {
            // Fewer entities than interactions, which are fewer than 2^32.
            *number = ordered.len() as u32;
            ordered.push(names.get(*id).unwrap_or_default());
        }
        *id = *number;
    }
    ordered
}

#[cfg(test)]
mod tests;
