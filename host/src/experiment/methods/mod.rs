//! The methods that choose sizes.
//!
//! A method is one file: a [`MethodCard`] that says what it is, and a [`SizingMethod`] that the card makes.
//! One line of the list `methods!` below registers it, and the command line, the documents and `scall methods` know
//! it from there.

mod card;
mod history;
pub mod network;
mod pause;
pub mod policy;
pub mod published;
mod race;
mod sizing;
pub mod trial;

use anyhow::Result;
use scall_core::math;
use scall_core::random::Generator;
use scall_core::segment::ResizeSettings;
use scall_core::side::Side;
use scall_core::sizes::{Action, Bounds};
use scall_core::snapshot::{Reader, Snapshot, SnapshotError, Writer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::scall::{Scall, SearchSettings};
pub use card::{MethodCard, Setup};
pub use fixed::Fixed;
pub use history::HistorySearch;
pub use pause::Pause;
pub use policy::PolicyMemory;
pub use published::{Environment, Published, PublishedSettings};
pub use sizing::Sizing;
pub use trial::{Measure, TrialSettings};

use super::checkpoint;
use super::model::Model;
use super::protocol::{Counts, Segment};
use super::runner::Experiment;
use super::training::Pair;
use crate::report::trace::Step;

/// Declares the modules of the methods and the enum of their names.
macro_rules! methods {
    ($($module:ident: $($variant:ident = $card:ident),+;)+) => {
        $(pub mod $module;)+

        /// How sizes are chosen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(
                #[doc = concat!("[`", stringify!($module), "`]")]
                $variant,
            )+)+
        }

        impl Method {
            /// All methods, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$($(Self::$variant),+),+];

            /// What the method says of itself.
            pub const fn card(self) -> &'static MethodCard {
                match self {
                    $($(Self::$variant => &self::$module::$card,)+)+
                }
            }
        }
    };
}

// One line a file: its name, and its cards. `tests/run` formats these files by name, since `cargo fmt` does
// not look into macros.
methods! {
    scall: Scall = CARD;
    fixed: Uniform = UNIFORM, Random = RANDOM, Frequency = FREQUENCY;
    mde: Mde = CARD;
    bet: Bet = CARD;
    dess: Dess = CARD;
    esapn: Esapn = CARD, EsapnUncapped = UNCAPPED;
    autoemb: AutoEmb = CARD;
}

/// A choice of sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// How sizes are made.
    pub sizing: Sizing,
    /// How they become rows.
    pub resize: ResizeSettings,
    /// The action behind it, for methods that have one.
    pub action: Option<Action>,
}

/// What is kept of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserForm {
    /// A row for each, as for items.
    #[default]
    Rows,
    /// The ids of the items that they took last.
    Recent,
}

impl UserForm {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Rows => Self::Recent,
            Self::Recent => Self::Rows,
        }
    }

    /// How sizes become rows under it: users of whom items are kept have none.
    #[must_use]
    pub fn resize(self, mut settings: ResizeSettings) -> ResizeSettings {
        if self == Self::Recent {
            settings.sizes.bounds.user = Bounds { min: 0, max: 0 };
        }
        settings
    }
}

/// A way to choose sizes.
///
/// It is asked once a segment, when the segment's train part has been counted and before it is learned, and
/// may look at nothing that comes later.
pub trait SizingMethod {
    /// Chooses the sizes of a segment. Candidates are tried on copies of `recommender`; each time that one
    /// of them breaks the budget is added to `violations`.
    ///
    /// # Errors
    /// If a candidate cannot be tried.
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided>;

    /// After how many interactions of the train part learning pauses for the method; none for no pauses.
    ///
    /// With pauses, the first pass over a train part takes its interactions in order of time; replay and the
    /// other passes follow, without pauses.
    fn pause_every(&self) -> Option<usize> {
        None
    }

    /// Looks at the interactions that come next, which the model has not learned, and at those that it learned
    /// last; may answer with other sizes.
    ///
    /// # Errors
    /// None in practice.
    fn pause(&mut self, _pause: &Pause<'_>) -> Result<Option<Decided>> {
        Ok(None)
    }

    /// What is kept of users from the last decision on.
    fn user_form(&self) -> UserForm {
        UserForm::Rows
    }

    /// What takes the place of the recommender's rows, for methods that have such a thing.
    fn representation(&mut self) -> Option<&mut dyn Representation> {
        None
    }

    /// Bytes that the method keeps between decisions: policies, predictors and their optimisers included.
    fn bytes(&self) -> u64 {
        0
    }

    /// The most that [`bytes`](Self::bytes) comes to while so many are known, with what it keeps within a segment.
    fn bytes_for(&self, _entities: Counts) -> u64 {
        self.bytes()
    }

    /// The candidates of the last decision, in the order in which they were tried, for whoever wants to see
    /// how it came about; none for methods without a search.
    fn take_steps(&mut self) -> Vec<Step> {
        Vec::new()
    }

    /// Bytes of the largest model trained so far to judge a candidate.
    fn trial_bytes(&self) -> u64 {
        0
    }

    /// Learns about sizes from the segment that is over, as the published protocol has it, before the next one
    /// is decided on. Methods that do not search there have nothing to do.
    ///
    /// # Errors
    /// If an action cannot be tried, or what was learned cannot be saved.
    fn rehearse(&mut self, _environment: &mut dyn Environment) -> Result<()> {
        Ok(())
    }

    /// Everything that the next decision depends on, to resume from.
    ///
    /// # Errors
    /// None in practice: what can be saved has a place.
    fn save(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// Takes on what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// If it was not saved by this method.
    fn restore(&mut self, _saved: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// A representation of a method's own, which learns in place of the recommender and writes to its rows what it
/// answers with.
pub trait Representation {
    /// Learns from every pair once a pass, in a fresh random order each time.
    fn learn(&mut self, recommender: &mut dyn Model, pairs: &mut [Pair], passes: u32, order: &mut Generator);

    /// The parameters that it holds.
    fn parameters(&self) -> u64;
}

/// The sizes that methods of few sizes choose among: powers of two from 2 to `largest`.
fn notches(largest: u32) -> impl Iterator<Item = u32> {
    let powers = std::iter::successors(Some(2_u32), |size| size.checked_mul(2));
    powers.take_while(move |&size| size <= largest.max(2))
}

/// The class of a frequency, by the whole part of its logarithm; the last takes all above.
fn popularity_class(frequency: f32, classes: usize) -> usize {
    let class = math::log2_f64(1.0 + f64::from(frequency)) as usize;
    class.min(classes - 1)
}

/// An item that the user did not have lately, if 16 draws find one.
fn draw_negative(
    recommender: &dyn Model,
    user: u32,
    positive: u32,
    generator: &mut Generator,
) -> Option<u32> {
    let items = recommender.count(Side::Item);
    let mut draws = (0..16).map(|_| generator.below(items));
    draws.find(|&item| item != positive && !recommender.has_seen(user, item))
}

/// The state of a method as bytes, with a checksum.
fn save_state(state: &impl Serialize) -> Result<Vec<u8>> {
    checkpoint::to_bytes(&Saved(state))
}

/// What [`save_state`] was given.
fn load_state<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut loaded = Loaded(None);
    checkpoint::from_bytes(&mut loaded, bytes)?;
    loaded.0.ok_or_else(|| anyhow::anyhow!("the state of the method is missing"))
}

/// A state on its way to bytes.
struct Saved<'s, T>(&'s T);

impl<T: Serialize> Snapshot for Saved<'_, T> {
    fn save(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        writer.put(self.0)
    }

    fn load(&mut self, _reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        Err(SnapshotError::Damaged)
    }
}

/// A state on its way from bytes.
struct Loaded<T>(Option<T>);

impl<T: DeserializeOwned> Snapshot for Loaded<T> {
    fn save(&self, _writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), SnapshotError> {
        self.0 = Some(reader.take()?);
        Ok(())
    }
}
