//! The methods that choose sizes.
//!
//! A method is one file: a [`MethodCard`] that says what it is, and a [`SizingMethod`] that the card makes.
//! One line of [`methods!`] below registers it, and the command line, the documents and `scall methods` know
//! it from there.

mod card;
pub mod policy;
pub mod published;
mod sizing;
pub mod trial;

use anyhow::Result;
use scall_core::recommender::Recommender;
use scall_core::segment::ResizeSettings;
use scall_core::sizes::Action;

pub use self::scall::{Scall, SearchSettings};
pub use card::{MethodCard, Setup};
pub use fixed::Fixed;
pub use policy::PolicyMemory;
pub use published::{Published, PublishedSettings};
pub use sizing::Sizing;
pub use trial::{Measure, TrialSettings};

use super::protocol::Segment;
use super::runner::Experiment;

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
        recommender: &mut Recommender<'_>,
        violations: &mut u64,
    ) -> Result<Decided>;

    /// Bytes that the method keeps between decisions: policies, predictors and their optimisers included.
    fn bytes(&self) -> u64 {
        0
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
