use serde::{Deserialize, Serialize};

use super::fit::{Search, check, level_cost};
use super::{Bounds, Distribution, Fitted, SizesError, draw_weights, expected_weights, write_descending};
use crate::allowance::Allowance;
use crate::random::Generator;
use crate::side::{PerSide, Side};
use crate::tables::Word;

/// What a policy decides: how the budget is shared and how skewed the sizes are.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The users' share of the budget, 0..=1.
    pub user_share: f32,
    /// Shape of the users' distribution of sizes.
    pub user_shape: f32,
    /// Shape of the items' distribution of sizes.
    pub item_shape: f32,
}

impl Action {
    /// The action at `positions` in 0..=1: the share itself, and each shape's place in the published range.
    pub fn from_positions(positions: [f32; 3], distribution: Distribution) -> Self {
        let [share, user, item] = positions;
        Self { user_share: share, user_shape: distribution.shape(user), item_shape: distribution.shape(item) }
    }
}

/// What stays the same from plan to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeSettings {
    /// What sizes are shares of; published default power law.
    pub distribution: Distribution,
    /// The sizes a row may have; published 1..=256 on both sides.
    pub bounds: PerSide<Bounds>,
}

impl Default for SizeSettings {
    fn default() -> Self {
        let bounds = Bounds { min: 1, max: 256 };
        Self { distribution: Distribution::default(), bounds: PerSide::new(bounds, bounds) }
    }
}

/// What [`plan`] made of a budget.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Each side's sizes in brief.
    pub sides: PerSide<Fitted>,
    /// What neither side can take.
    pub unused: u64,
}

impl Plan {
    /// Sum of all sizes of both sides; with `unused`, the budget.
    pub const fn total(&self) -> u64 {
        self.sides.user.total.saturating_add(self.sides.item.total)
    }
}

/// The share is kept this far from 0 and 1 (published).
const SHARE_MARGIN: f64 = 1e-5;

/// Sizes for both sides. `words` are one word per entity, whose content is lost: they end as weights.
/// `counts` become the ranks of each size, one element per size up to the side's largest.
///
/// Without a generator the sizes follow the expected order statistics; with one, a single random draw,
/// users first. The users' share is brought into 1e-5..=1-1e-5, and moved where one side cannot take
/// its part: a side never gets less than its smallest sizes while the other has more than its own, nor more
/// than its largest sizes while the other has room. So the total is the budget whenever both sides' bounds
/// together allow it. A budget below all smallest sizes serves each side's first ranks and gives the others
/// size 0; see [`fit`](super::fit::fit).
///
/// O(entities) time, no other memory.
///
/// # Errors
/// Those of [`expected_weights`] and [`fit`](super::fit::fit), and [`SizesError::Share`]; nothing is touched then.
pub fn plan(
    action: &Action,
    settings: &SizeSettings,
    budget: u64,
    generator: Option<&mut Generator>,
    words: PerSide<&mut [u32]>,
    counts: PerSide<&mut [u32]>,
) -> Result<Plan, SizesError> {
    let SizeSettings { distribution, bounds } = *settings;
    let (users, items) = (words.user, words.item);
    let (user_counts, item_counts) = (counts.user, counts.item);
    distribution.check(action.user_shape)?;
    distribution.check(action.item_shape)?;
    check(users.len(), bounds.user, user_counts)?;
    check(items.len(), bounds.item, item_counts)?;
    if !action.user_share.is_finite() {
        return Err(SizesError::Share { share: action.user_share });
    }
    if let Some(generator) = generator {
        draw_weights(distribution, action.user_shape, generator, users)?;
        draw_weights(distribution, action.item_shape, generator, items)?;
    } else {
        expected_weights(distribution, action.user_shape, users)?;
        expected_weights(distribution, action.item_shape, items)?;
    }

    fit_sides(
        f64::from(action.user_share).clamp(SHARE_MARGIN, 1.0 - SHARE_MARGIN),
        bounds,
        budget,
        PerSide::new(&*users, &*items),
        PerSide::new(user_counts, item_counts),
    )
}

/// Fits both sides' weights, by rank as in [`fit`](super::fit::fit), to one budget, of which the users get `user_share`
/// (0..=1) where both sides' bounds allow it, as described at [`plan`]. O(sizes * log entities).
///
/// # Errors
/// [`SizesError::Share`] and those of [`fit`](super::fit::fit); the counts are untouched then.
pub fn fit_sides<W: Word>(
    user_share: f64,
    bounds: PerSide<Bounds>,
    budget: u64,
    words: PerSide<&[W]>,
    counts: PerSide<&mut [u32]>,
) -> Result<Plan, SizesError> {
    let entities = PerSide::new(words.user.len(), words.item.len());
    let mut fit =
        SidesFit::new(user_share, bounds, budget, entities, PerSide::new(&*counts.user, &*counts.item))?;
    Ok(fit.go_on(words, counts, &mut Allowance::unlimited()).unwrap_or(fit.plan))
}

/// How far [`fit_sides`] has come, in slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SidesFit {
    bounds: PerSide<Bounds>,
    budget: u64,
    user_budget: u64,
    turn: Turn,
    search: Search,
    plan: Plan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Users,
    Items,
    /// The items could not take what the users had left.
    UsersAgain,
}

impl SidesFit {
    /// A fit to begin, of that many entities.
    pub(crate) fn new(
        user_share: f64,
        bounds: PerSide<Bounds>,
        budget: u64,
        entities: PerSide<usize>,
        counts: PerSide<&[u32]>,
    ) -> Result<Self, SizesError> {
        check(entities.user, bounds.user, counts.user)?;
        check(entities.item, bounds.item, counts.item)?;
        if !user_share.is_finite() {
            return Err(SizesError::Share { share: user_share as f32 });
        }
        let limits = |entities: usize, Bounds { min, max }: Bounds| {
            let entities = entities as u64;
            (entities.saturating_mul(u64::from(min)), entities.saturating_mul(u64::from(max)))
        };
        let user_budget = divide(
            budget,
            user_share,
            limits(entities.user, bounds.user),
            limits(entities.item, bounds.item),
        );
        let plan = Plan { sides: PerSide::default(), unused: 0 };
        Ok(Self { bounds, budget, user_budget, turn: Turn::Users, search: Search::START, plan })
    }

    /// Goes on; the plan when both sides are fitted. The words are as at the beginning.
    pub(crate) fn go_on<W: Word>(
        &mut self,
        words: PerSide<&[W]>,
        counts: PerSide<&mut [u32]>,
        allowance: &mut Allowance,
    ) -> Option<Plan> {
        let Self { bounds, budget, .. } = *self;
        let PerSide { user: user_counts, item: item_counts } = counts;
        loop {
            let (side, side_budget) = match self.turn {
                Turn::Users | Turn::UsersAgain => (Side::User, self.user_budget),
                Turn::Items => (Side::Item, budget.saturating_sub(self.plan.sides.user.total)),
            };
            let (words, bounds) = (*words.get(side), *bounds.get(side));
            let found = self.search.go_on(words, bounds, side_budget, allowance);
            if !found || !allowance.take(level_cost(bounds).saturating_mul(2)) {
                return None;
            }
            let counts = if side == Side::User { &mut *user_counts } else { &mut *item_counts };
            *self.plan.sides.get_mut(side) = self.search.finish(words, bounds, side_budget, counts);
            self.search = Search::START;
            let left = budget.saturating_sub(self.plan.sides.item.total);
            self.turn = match self.turn {
                Turn::Users => Turn::Items,
                Turn::Items if left > self.user_budget => {
                    self.user_budget = left;
                    Turn::UsersAgain
                }
                Turn::Items | Turn::UsersAgain => {
                    self.plan.unused = left.saturating_sub(self.plan.sides.user.total);
                    return Some(self.plan);
                }
            };
        }
    }
}

/// The users' part of the budget; `users` and `items` are the least and the most that a side can take.
fn divide(budget: u64, share: f64, users: (u64, u64), items: (u64, u64)) -> u64 {
    let (user_min, user_max) = users;
    let (item_min, item_max) = items;
    // Saturates at the ends of u64; rounding is far below one parameter for budgets below 2^52.
    let wanted = (share * budget as f64 + 0.5) as u64;
    let (low, high) = if budget >= user_min.saturating_add(item_min) {
        (user_min.max(budget.saturating_sub(item_max)), user_max.min(budget.saturating_sub(item_min)))
    } else {
        (budget.saturating_sub(item_min), user_min.min(budget))
    };
    // With more than both can take, low is above high.
    wanted.max(low).min(high)
}

/// [`plan`], and then each side's sizes by rank in place of the weights: the whole sampler in one call.
///
/// # Errors
/// Those of [`plan`].
pub fn descending_sizes(
    action: &Action,
    settings: &SizeSettings,
    budget: u64,
    generator: Option<&mut Generator>,
    words: PerSide<&mut [u32]>,
    counts: PerSide<&mut [u32]>,
) -> Result<Plan, SizesError> {
    let (user_words, item_words) = (words.user, words.item);
    let (user_counts, item_counts) = (counts.user, counts.item);
    let plan = plan(
        action,
        settings,
        budget,
        generator,
        PerSide::new(&mut *user_words, &mut *item_words),
        PerSide::new(&mut *user_counts, &mut *item_counts),
    )?;
    write_descending(user_counts, user_words)?;
    write_descending(item_counts, item_words)?;
    Ok(plan)
}

#[cfg(test)]
mod tests;
