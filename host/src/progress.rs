//! Progress of long work, on standard error, with the time left.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where progress is shown. Copies share the terminal, so that work in parallel can show several bars.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: MultiProgress,
}

/// One piece of long work. It disappears from the terminal when it is dropped.
#[derive(Debug)]
pub struct Stage {
    bar: ProgressBar,
}

impl Progress {
    /// Shows progress on standard error, if that is a terminal.
    pub fn on_terminal() -> Self {
        Self { bars: MultiProgress::new() }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) }
    }

    /// Begins work of `total` steps.
    pub fn stage(&self, name: impl Into<Cow<'static, str>>, total: u64) -> Stage {
        self.begin(
            ProgressBar::new(total),
            "{prefix:<16} {bar:32} {pos}/{len}  {eta} left  {msg}",
            name.into(),
        )
    }

    /// Begins work on `total` bytes.
    pub fn bytes(&self, name: impl Into<Cow<'static, str>>, total: u64) -> Stage {
        let template = "{prefix:<16} {bar:32} {binary_bytes}/{binary_total_bytes}  {eta} left  {msg}";
        self.begin(ProgressBar::new(total), template, name.into())
    }

    /// Begins work whose end is not known.
    pub fn open_ended(&self, name: impl Into<Cow<'static, str>>) -> Stage {
        self.begin(ProgressBar::no_length(), "{prefix:<16} {spinner} {pos}  {elapsed}  {msg}", name.into())
    }

    /// Writes a line above all bars.
    pub fn note(&self, line: &str) {
        // Progress is a courtesy: a terminal that has gone away is no reason to stop.
        let _ = self.bars.println(line);
    }

    fn begin(&self, bar: ProgressBar, template: &str, name: Cow<'static, str>) -> Stage {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(bar.with_style(style.progress_chars("━╸ ")).with_prefix(name));
        bar.enable_steady_tick(Duration::from_millis(250));
        Stage { bar }
    }
}

impl Stage {
    /// So many steps more are done.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// So many steps are done in all.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Counts what is read from `source` as done.
    pub fn follow<R: Read>(&self, source: R) -> impl Read {
        self.bar.wrap_read(source)
    }

    /// What is going on, in a few words.
    pub fn say(&self, message: impl Into<Cow<'static, str>>) {
        self.bar.set_message(message);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_stage_can_be_followed_from_several_threads() {
        let progress = Progress::silent();
        let stages =
            [progress.stage("segment", 10), progress.bytes("read", 100), progress.open_ended("search")];
        std::thread::scope(|scope| {
            for stage in &stages {
                scope.spawn(|| {
                    stage.say("going on");
                    (0..10).for_each(|_| stage.advance(1));
                });
            }
        });
        assert!(stages.iter().all(|stage| stage.bar.position() == 10));
        stages[0].set(3);
        assert_eq!(stages[0].bar.position(), 3);
        progress.note("done");
    }

    #[test]
    fn the_templates_are_valid() {
        for stage in [Progress::silent().stage("a", 1), Progress::silent().bytes("b", 1)] {
            assert_eq!(stage.bar.length(), Some(1));
        }
        for template in
            ["{bar:32} {pos}/{len} {eta}", "{binary_bytes}/{binary_total_bytes}", "{spinner} {elapsed}"]
        {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
