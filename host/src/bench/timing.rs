//! How long something takes.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How much time may be spent on being exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Repeat until the figures settle: about half a minute in all.
    Full,
    /// Run everything twice, to see that it works; the figures mean little.
    Quick,
}

/// Seconds of several repetitions of the same work.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timing {
    /// The least: what the machine does when nothing interferes.
    pub(super) best: f64,
    pub(super) median: f64,
    pub(super) repetitions: usize,
}

impl Effort {
    /// Runs `work` once to warm up, then again and again.
    pub(super) fn time(self, mut work: impl FnMut() -> Result<()>) -> Result<Timing> {
        let [timing] = self.time_in_turn([&mut work])?;
        Ok(timing)
    }

    /// The same for pieces of work that are compared: they take turns, so that what disturbs one of them
    /// disturbs the others too.
    pub(super) fn time_in_turn<const N: usize>(
        self,
        works: [&mut dyn FnMut() -> Result<()>; N],
    ) -> Result<[Timing; N]> {
        self.time_by(processor_seconds, works)
    }

    /// The same for pieces of work that are spread over threads: by the clock on the wall.
    pub(super) fn time_threads_in_turn<const N: usize>(
        self,
        works: [&mut dyn FnMut() -> Result<()>; N],
    ) -> Result<[Timing; N]> {
        self.time_by(wall_seconds, works)
    }

    fn time_by<const N: usize>(
        self,
        clock: fn() -> f64,
        mut works: [&mut dyn FnMut() -> Result<()>; N],
    ) -> Result<[Timing; N]> {
        let (least, enough) = match self {
            Self::Full => (10, Duration::from_millis(1_800)),
            Self::Quick => (1, Duration::ZERO),
        };
        for work in &mut works {
            work()?;
        }
        let mut seconds: [Vec<f64>; N] = [const { Vec::new() }; N];
        let started = Instant::now();
        while seconds.iter().any(|seconds| seconds.len() < least) || started.elapsed() < enough {
            for (work, seconds) in works.iter_mut().zip(&mut seconds) {
                let before = clock();
                work()?;
                seconds.push(clock() - before);
            }
        }
        Ok(seconds.map(Timing::of))
    }
}

impl Timing {
    fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |index: usize| seconds.get(index).copied().unwrap_or(f64::NAN);
        Self { best: at(0), median: at(seconds.len() / 2), repetitions: seconds.len() }
    }

    /// How the figure came about, given one of the median.
    pub(super) fn note(&self, median: &str) -> String {
        format!("best of {}, median {median}", self.repetitions)
    }
}

/// Seconds this thread has run: what other programs do meanwhile does not count.
#[cfg(target_os = "linux")]
fn processor_seconds() -> f64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(f64::NAN, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds() -> f64 {
    wall_seconds()
}

/// Seconds since the first call.
fn wall_seconds() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_and_median_are_those_of_the_repetitions() {
        let timing = Timing::of(vec![3.0, 1.0, 2.0, 9.0, 2.5]);
        assert_eq!(timing, Timing { best: 1.0, median: 2.5, repetitions: 5 });
        assert_eq!(timing.note("2.5 s"), "best of 5, median 2.5 s");
    }

    #[test]
    fn works_take_turns_after_one_round_that_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let work = |name| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok(())
            }
        };
        let [first, second] =
            Effort::Quick.time_in_turn([&mut work('a'), &mut work('b')]).expect("neither fails");
        assert_eq!((first.repetitions, second.repetitions), (1, 1));
        assert_eq!(*order.borrow(), "abab");
    }

    #[test]
    fn work_takes_time_and_sleep_does_not() {
        let mut number = 1_u64;
        let timing = Effort::Quick.time(|| {
            for step in 0..3_000_000 {
                number = std::hint::black_box(number.wrapping_mul(step | 1));
            }
            Ok(())
        });
        assert!(timing.expect("it does not fail").best > 0.0);
        if cfg!(target_os = "linux") {
            let before = processor_seconds();
            std::thread::sleep(Duration::from_millis(50));
            assert!(processor_seconds() - before < 0.04);
        }
    }

    #[test]
    fn a_failure_ends_it() {
        assert!(Effort::Full.time(|| anyhow::bail!("no")).is_err());
    }
}
