//! How much a slice of some longer work may still do.

/// What is left of a slice, in units of about an element that moves. Work asks before each of its steps, and stops
/// where it is refused; so a slice ends at most one step late.
#[derive(Debug)]
pub struct Allowance(u32);

impl Allowance {
    /// So many units, and one step at least.
    pub(crate) const fn new(units: u32) -> Self {
        Self(if units == 0 { 1 } else { units })
    }

    /// As much as it takes.
    pub(crate) const fn unlimited() -> Self {
        Self(u32::MAX)
    }

    /// Whether a step may be taken, which costs so much.
    #[inline(always)]
    pub(crate) const fn take(&mut self, cost: u32) -> bool {
        if self.0 == 0 {
            return false;
        }
        // What has no limit never ends.
        if self.0 != u32::MAX {
            self.0 = self.0.saturating_sub(cost);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_at_most_one_step_late() {
        let mut allowance = Allowance::new(5);
        assert!(allowance.take(2) && allowance.take(2) && allowance.take(9) && !allowance.take(0));
        let mut least = Allowance::new(0);
        assert!(least.take(7) && !least.take(7));
    }

    #[test]
    fn without_a_limit_there_is_no_end() {
        let mut allowance = Allowance::unlimited();
        assert!((0..5).all(|_| allowance.take(u32::MAX)));
        // As much as there are numbers for is no limit either.
        assert!(Allowance::new(u32::MAX).take(u32::MAX));
    }
}
