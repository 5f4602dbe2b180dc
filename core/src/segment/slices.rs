//! The two halves of a decision in slices: how many ranks get which size, and the size of each entity.

use super::resize::{Fitting, ResizeError, ResizeSettings, check_longest};
use crate::allowance::Allowance;
use crate::element::Element;
use crate::random::Generator;
use crate::recommender::{Recommender, RecommenderError};
use crate::side::{PerSide, Side};
use crate::sizes::{Action, Settling, SizesError, Weighing, draw_weights, sum_up, take_apart};
use crate::tables::{Tables, Word};

/// How far the first half of a decision has come in slices: how many ranks of each side get which size by an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ActionFit {
    /// Entities that get sizes.
    pub(super) known: PerSide<u32>,
    step: ActionStep,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ActionStep {
    Weigh(Side, Weighing),
    Fit(Fitting),
}

impl ActionFit {
    /// A fit for so many entities.
    pub(super) const fn new(known: PerSide<u32>) -> Self {
        Self { known, step: ActionStep::Weigh(Side::User, Weighing::START) }
    }

    /// Goes on; whether the counts are as a whole decision by the same action makes them. Words and counts belong to it
    /// until then.
    #[expect(clippy::too_many_arguments, reason = "what a decision works from")]
    pub(super) fn go_on<E: Element, T: Tables>(
        &mut self,
        recommender: &mut Recommender<'_, E, T>,
        action: Action,
        settings: &ResizeSettings,
        head_room: u32,
        counts: PerSide<&mut [u32]>,
        generator: &mut Generator,
        allowance: &mut Allowance,
    ) -> Result<bool, SizesError> {
        let bias = recommender.bias_elements();
        let decision = recommender.decide();
        let budget = u64::from(decision.arena.row_budget().saturating_sub(head_room));
        let PerSide { user, item } = decision.words;
        let user = user.get_mut(..self.known.user as usize).unwrap_or_default();
        let item = item.get_mut(..self.known.item as usize).unwrap_or_default();
        let distribution = settings.sizes.distribution;
        match &mut self.step {
            ActionStep::Weigh(side, weighing) => {
                let (words, shape, next) = match side {
                    Side::User => (user, action.user_shape, ActionStep::Weigh(Side::Item, Weighing::START)),
                    Side::Item => (item, action.item_shape, ActionStep::Fit(Fitting::Begin)),
                };
                let weighed = if settings.draw {
                    draw_weights(distribution, shape, generator, words).map(|()| true)
                } else {
                    weighing.go_on(distribution, shape, words, allowance)
                };
                if weighed? {
                    self.step = next;
                }
                Ok(false)
            }
            ActionStep::Fit(fitting) => {
                let (words, share) = (PerSide::new(&*user, &*item), f64::from(action.user_share));
                let plan = fitting.go_on(settings, bias, budget, share, words, counts, allowance)?;
                Ok(plan.is_some())
            }
        }
    }
}

/// How far the second half has come for one side: the size of each entity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SideDeal<R> {
    Begin,
    Rank(R),
    Settle(Settling),
    /// The bias is added to the sizes, and they are added up.
    Sum {
        id: usize,
        elements: u64,
    },
}

impl<R: Copy + Default> SideDeal<R> {
    /// Goes on; the elements of all rows, when the words of the first `known` entities hold the size of each, as a
    /// whole decision gives it to them. Words and counts belong to it until then.
    ///
    /// # Errors
    /// Counts that are not of so many entities, or a row longer than the tables can say.
    pub(super) fn go_on<E: Element, T: Tables<Ranking = R>>(
        &mut self,
        recommender: &mut Recommender<'_, E, T>,
        side: Side,
        known: u32,
        settings: &ResizeSettings,
        counts: &mut [u32],
        allowance: &mut Allowance,
    ) -> Result<Option<u64>, ResizeError> {
        let bias = if side == Side::Item { recommender.bias_elements() } else { 0 };
        let mut decision = recommender.decide();
        let words = &mut **decision.words.get_mut(side);
        let words = words.get_mut(..known as usize).unwrap_or_default();
        match self {
            Self::Begin => {
                check_longest::<T>(side, counts, bias).map_err(RecommenderError::from)?;
                sum_up(counts, known as usize)?;
                *self = Self::Rank(R::default());
            }
            Self::Rank(ranking) => {
                let frequencies = decision.frequencies.get(side).get(..known as usize).unwrap_or_default();
                if T::deal_on(frequencies, words, counts, ranking, allowance) {
                    take_apart(counts);
                    let settles = settings.hysteresis;
                    *self = if settles {
                        Self::Settle(Settling::START)
                    } else {
                        Self::Sum { id: 0, elements: 0 }
                    };
                }
            }
            Self::Settle(settling) => {
                let current = |id| decision.arena.size(side, id).saturating_sub(bias);
                let bounds = *settings.sizes.bounds.get(side);
                if settling.go_on(words, current, bounds, counts, allowance).is_some() {
                    *self = Self::Sum { id: 0, elements: 0 };
                }
            }
            Self::Sum { id, elements } => {
                for word in words.iter_mut().skip(*id) {
                    if !allowance.take(1) {
                        return Ok(None);
                    }
                    if word.size() > 0 {
                        *word = T::Word::of_size(word.size() + bias);
                    }
                    *elements += u64::from(word.size());
                    *id += 1;
                }
                return Ok(Some(*elements));
            }
        }
        Ok(None)
    }
}
