//! What the parts of a run cost, by whatever clock a machine has.

/// How often something was done, and how long it took.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How often.
    pub times: u32,
    /// Ticks in all.
    pub total: u64,
    /// Ticks of the longest.
    pub longest: u32,
}

impl Spent {
    /// Takes in one more.
    pub(super) fn add(&mut self, ticks: u32) {
        self.times = self.times.saturating_add(1);
        self.total = self.total.saturating_add(u64::from(ticks));
        self.longest = self.longest.max(ticks);
    }
}

/// Ticks of everything that a run does without a pause in between.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Learning from an event of a user and an item that are known.
    pub learn: Spent,
    /// Learning from an event of a newcomer, for whom another may have to make way.
    pub welcome: Spent,
    /// Twenty recommendations.
    pub recommend: Spent,
    /// Ten recommendations, at the end of the run.
    pub short_list: Spent,
    /// Twenty recommendations during a decision.
    pub recommend_meanwhile: Spent,
    /// One slice of the end of a segment: ranks and the state.
    pub close: Spent,
    /// What the policy learns from a reward.
    pub reward: Spent,
    /// The policy's choice.
    pub propose: Spent,
    /// One slice of a decision.
    pub decide: Spent,
}
