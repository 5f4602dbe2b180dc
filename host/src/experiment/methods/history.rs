//! Equal rows, and users as what they took last where that is better.
//!
//! In every segment both are trained on most of the train part and measured on its end, with the same seeds:
//! rows for users and items alike, and rows for items alone with the ids of each user's most recent items in
//! the place of their row. The one in force changes past a margin.

use anyhow::Result;
use rayon::prelude::*;
use scall_core::segment::{ActionSpace, Evidence, Margin, ResizeSettings, SizeRule};
use scall_core::sizes::Action;
use serde::{Deserialize, Serialize};

use super::trial::{Task, Trial};
use super::{Decided, SearchSettings, SizingMethod, UserForm, load_state, save_state};
use crate::experiment::model::Model;
use crate::experiment::protocol::Segment;
use crate::experiment::runner::Experiment;

/// When the form of users changes: it has to be far ahead, since rows have to be learned anew.
const MARGIN: Margin = Margin { gain: 0.1, errors: 2.0, count: 4 };

/// The search for the form of users.
#[derive(Debug)]
pub struct HistorySearch {
    settings: SearchSettings,
    state: State,
    trial_bytes: u64,
}

/// The form in force, and the gains of the other one over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    form: UserForm,
    other: Evidence,
}

impl State {
    /// Takes in gains of the other form; it comes into force past the margin.
    fn observe(&mut self, gains: impl Iterator<Item = f32>) {
        gains.for_each(|gain| self.other.add(gain));
        let mean = self.other.mean();
        let proven = self.other.count() >= MARGIN.count
            && mean >= MARGIN.gain
            && mean * mean >= MARGIN.errors * MARGIN.errors * self.other.error_squared();
        if proven {
            *self = Self { form: self.form.other(), other: Evidence::default() };
        }
    }
}

impl HistorySearch {
    /// A search that begins with rows for all.
    pub fn new(settings: SearchSettings) -> Self {
        Self { settings, state: State::default(), trial_bytes: 0 }
    }
}

impl SizingMethod for HistorySearch {
    fn decide(
        &mut self,
        experiment: &Experiment<'_>,
        segment: &Segment,
        recommender: &mut dyn Model,
        violations: &mut u64,
    ) -> Result<Decided> {
        let (trial, resize) = (self.settings.trial, self.settings.resize);
        let budget = experiment.budget(segment.known)?;
        let bounds = self.state.form.resize(resize).sizes.bounds;
        let share = recommender.covering_share(bounds, budget.into());
        let rule = share.map_or(SizeRule::Uniform, |share| SizeRule::Action(equal_rows(share, resize)));
        let sizing = rule.into();
        // At least a quarter is left for the items.
        let asked = u64::from(experiment.recent_parameters(segment.known.users));
        let affordable = 4 * asked <= 3 * u64::from(budget);
        if affordable {
            let task = Task::new(experiment, segment, recommender, trial, resize)?;
            self.trial_bytes = self.trial_bytes.max(task.bytes());
            let forms = [self.state.form, self.state.form.other()];
            let trials: Vec<Trial> =
                forms.par_iter().map(|&form| task.trial_of(&sizing, form)).collect::<Result<_>>()?;
            *violations += trials.iter().map(|trial| trial.violations).sum::<u64>();
            if let [present, other] = &*trials {
                self.state.observe(other.gains_over(present).into_iter());
            }
        } else {
            self.state = State::default();
        }
        Ok(Decided { sizing, resize: self.state.form.resize(resize), action: None })
    }

    fn user_form(&self) -> UserForm {
        self.state.form
    }

    fn trial_bytes(&self) -> u64 {
        self.trial_bytes
    }

    fn bytes(&self) -> u64 {
        size_of::<State>() as u64
    }

    fn save(&self) -> Result<Vec<u8>> {
        save_state(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.state = load_state(saved)?;
        Ok(())
    }
}

/// Rows of one size, of which the users get that share.
fn equal_rows(user_share: f32, resize: ResizeSettings) -> Action {
    let space = ActionSpace::BALANCED;
    space.action(space.equal_rows(), user_share, resize.sizes.distribution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_changes_past_the_margin_alone() {
        let after = |gains: &[f32]| {
            let mut state = State::default();
            gains.iter().for_each(|&gain| state.observe([gain].into_iter()));
            state
        };
        assert_eq!(after(&[0.3, 0.2, 0.3]).form, UserForm::Rows);
        assert_eq!(
            after(&[0.3, 0.2, 0.3, 0.2]),
            State { form: UserForm::Recent, other: Evidence::default() }
        );
        assert_eq!(after(&[0.09; 20]).form, UserForm::Rows);
        // A mean of 0.15 with an error of 0.29 is luck.
        assert_eq!(after(&[0.9, -0.3, 0.3, -0.3]).form, UserForm::Rows);
        assert_eq!(after(&[0.2, 0.2, 0.2, 0.2, 0.3, 0.2, 0.3, 0.2]).form, UserForm::Rows);
    }

    #[test]
    fn what_was_gathered_is_saved() {
        let settings = crate::experiment::settings::Settings::default().search;
        let mut search = HistorySearch::new(settings);
        search.state.observe([0.2, 0.1, 0.3].into_iter());
        let mut other = HistorySearch::new(settings);
        other.restore(&search.save().unwrap()).unwrap();
        assert_eq!(other.state, search.state);
        other.restore(&[1, 2, 3]).unwrap_err();
        other.state.observe([0.2].into_iter());
        assert_eq!(other.user_form(), UserForm::Recent);
    }
}
