//! From the policy's three numbers to an action.

use serde::{Deserialize, Serialize};

use crate::math;
use crate::sizes::{Action, Distribution};

/// What the policy's numbers in 0..=1 mean.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActionSpace {
    /// The share itself, and shapes evenly over the distribution's range (Qu et al., CIKM 2024).
    Published,
    /// Centred on equal rows of a share, that of the head counts or [another](crate::segment::Decider::set_centre): the
    /// users' odds from `1 / odds` to `odds` times those of that share, and shapes evenly on a logarithmic scale. For
    /// distributions that get flatter as their shape grows.
    Balanced {
        /// The most by which the users' odds may differ from the centre's; at least 1.
        odds: f32,
        /// The shape of the most unequal sizes, above 0.
        lowest_shape: f32,
        /// The shape of practically equal sizes.
        highest_shape: f32,
    },
}

impl ActionSpace {
    /// The default: odds of a half to double, shapes from 0.5 to 500.
    pub const BALANCED: Self = Self::Balanced { odds: 2.0, lowest_shape: 0.5, highest_shape: 500.0 };

    /// The numbers that stand for equal rows, or come nearest to them.
    pub const fn equal_rows(&self) -> [f32; 3] {
        [0.5, 1.0, 1.0]
    }

    /// The action of `positions`, around the users' share `centre` (0..=1).
    pub fn action(&self, positions: [f32; 3], centre: f32, distribution: Distribution) -> Action {
        let [share, user, item] = positions;
        match *self {
            Self::Published => Action::from_positions(positions, distribution),
            Self::Balanced { odds, lowest_shape, highest_shape } => {
                let odds = math::pow(odds, 2.0 * share - 1.0);
                let shape = |position| lowest_shape * math::pow(highest_shape / lowest_shape, position);
                Action {
                    user_share: odds * centre / (odds * centre + (1.0 - centre)).max(f32::MIN_POSITIVE),
                    user_shape: shape(user),
                    item_shape: shape(item),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_balanced_space_is_centred_on_the_head_counts() {
        let action = |positions| ActionSpace::BALANCED.action(positions, 0.2, Distribution::PowerLaw);
        assert!((action([0.5, 1.0, 0.0]).user_share - 0.2).abs() < 1e-6);
        assert!((action([1.0, 1.0, 0.0]).user_share - 0.5 / 1.5).abs() < 1e-6);
        assert!((action([0.0, 1.0, 0.0]).user_share - 0.125 / 1.125).abs() < 1e-6);
        assert!((action([0.5, 1.0, 0.0]).user_shape - 500.0).abs() < 0.1);
        assert!((action([0.5, 1.0, 0.0]).item_shape - 0.5).abs() < 1e-6);
        assert!((action([0.5, 0.5, 0.5]).item_shape - 15.811).abs() < 1e-2);
    }

    #[test]
    fn one_side_without_entities_gets_nothing() {
        let share =
            |heads| ActionSpace::BALANCED.action([0.3, 0.5, 0.5], heads, Distribution::PowerLaw).user_share;
        assert_eq!(share(0.0), 0.0);
        assert_eq!(share(1.0), 1.0);
    }

    #[test]
    fn the_published_space_is_the_distributions_own() {
        let action = ActionSpace::Published.action([0.3, 0.0, 1.0], 0.9, Distribution::PowerLaw);
        assert_eq!((action.user_share, action.user_shape, action.item_shape), (0.3, 0.1, 30.0));
    }
}
