//! What a device takes before there is one: RAM and flash by parts, the longest pause, and whether it fits.
//!
//! Bytes of the recommender and its policy are those that the core's own `const fn`s give. Code, constants, stack
//! and instructions are those of the firmware in this repository as it was linked and counted last
//! (`tests/records`); instructions grow with a device as the core says that each step does.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use scall_core::device::DeviceShape;
use scall_core::math;
use scall_core::policy::{Actor, SacShape};
use scall_core::scenario::{SHAPE, STORED_POLICY};
use scall_core::segment::PolicyFile;
use serde::{Deserialize, Serialize};

/// What the linked programs take.
const SIZES: &str = include_str!("../../../tests/records/firmware-sizes.json");
/// Instructions of their steps.
const FIGURES: &str = include_str!("../../../tests/records/firmware-figures.json");
/// Instructions of those that a policy takes that learns.
const TRAINING_FIGURES: &str = include_str!("../../../tests/records/firmware-training-figures.json");
/// Transitions of an update of the policy that was counted.
const COUNTED_BATCH: u32 = 4;

/// Who chooses the sizes on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyPlan {
    /// An actor whose weights are in flash.
    Stored,
    /// A policy that learns on the device.
    Training {
        /// Transitions of an update.
        batch: u32,
        /// Transitions remembered.
        capacity: u32,
    },
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// The device.
    pub shape: DeviceShape,
    /// Its policy.
    pub policy: PolicyPlan,
    /// Bytes of RAM and of flash that there are.
    pub memory: Chip<u64>,
    /// Bytes that the rest of the program takes.
    pub application: Chip<u64>,
    /// Addresses of both.
    pub origin: Chip<u32>,
    /// Instructions a second.
    pub clock_hertz: f64,
}

/// One of each kind of a chip's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip<T> {
    /// What is lost without power.
    pub ram: T,
    /// What stays.
    pub flash: T,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Whether both memories suffice.
    pub fits: bool,
    /// Of RAM.
    pub ram: Use<RamParts>,
    /// Of flash.
    pub flash: Use<FlashParts>,
    /// The most parameters for which the RAM suffices, all else as it is; `null` if there are none.
    pub most_parameters: Option<u32>,
    /// The longest of the steps below.
    pub longest_pause: Step,
    /// Everything that a device does without a pause, at most.
    pub steps: Vec<Step>,
    /// Constants in Rust, to paste.
    pub constants: String,
    /// The linker's `memory.x`, to paste.
    pub memory_x: String,
}

/// One memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Use<P> {
    /// Bytes that there are.
    pub available: u64,
    /// Bytes that it takes.
    pub needed: u64,
    /// The parts of that.
    pub parts: P,
}

/// Bytes of RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RamParts {
    /// Rows, and where each begins.
    pub arena: u64,
    /// Frequencies, accumulators, orders, pairs seen, ids.
    pub tables: u64,
    /// Networks, states and working memory of the policy.
    pub policy: u64,
    /// What a policy that learns remembers.
    pub replay: u64,
    /// The deepest stack.
    pub stack: u64,
    /// The rest of the program.
    pub application: u64,
}

/// Bytes of flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FlashParts {
    /// Instructions and the table of interrupts.
    pub code: u64,
    /// Constants but for weights.
    pub constants: u64,
    /// The policy's file.
    pub weights: u64,
    /// The rest of the program.
    pub application: u64,
}

/// Something that is done without a pause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What is done.
    pub name: String,
    /// Instructions at most.
    pub instructions: u64,
    /// At one instruction a cycle.
    pub milliseconds: f64,
    /// Whether that many were counted with this very shape; if not, they follow from it.
    pub counted: bool,
}

/// The records of the programs that a plan is like.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Sizes {
    #[serde(rename = "firmware-example")]
    stored: Linked,
    training: Linked,
}

/// Bytes of a linked program, as recorded.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Linked {
    code: u64,
    constants: u64,
    stack: u64,
}

/// Makes a plan.
///
/// # Errors
/// None with records as the tests write them.
pub fn plan(request: &Request) -> Result<Plan> {
    let Request { shape, policy, memory, application, origin, clock_hertz } = request;
    let sizes: Sizes = serde_json::from_str(SIZES).context("the recorded sizes")?;
    let linked = if *policy == PolicyPlan::Stored { sizes.stored } else { sizes.training };
    let (recorded_weights, weights) = match policy {
        PolicyPlan::Stored => (STORED_POLICY.len(), PolicyFile::len(&shape.state(), shape.hidden)),
        PolicyPlan::Training { .. } => (0, 0),
    };
    let (in_policy, replay) = policy_numbers(shape, *policy);
    let ram = RamParts {
        arena: shape.arena_bytes::<f32>() as u64,
        // Statics end with a whole word.
        tables: shape.tables_bytes().next_multiple_of(size_of::<f32>()) as u64,
        policy: (in_policy * size_of::<f32>()) as u64,
        replay: (replay * size_of::<f32>()) as u64,
        stack: linked.stack,
        application: application.ram,
    };
    let flash = FlashParts {
        code: linked.code,
        constants: linked.constants.saturating_sub(recorded_weights as u64),
        weights: weights as u64,
        application: application.flash,
    };
    let needed = Chip {
        ram: ram.arena + ram.tables + ram.policy + ram.replay + ram.stack + ram.application,
        flash: flash.code + flash.constants + flash.weights + flash.application,
    };
    let spare = memory.ram as i64 - needed.ram as i64;
    let most = i64::from(shape.parameters) + spare.div_euclid(size_of::<f32>() as i64);
    let steps = steps(shape, *policy, *clock_hertz)?;
    let longest = steps.iter().max_by_key(|step| step.instructions).cloned();
    Ok(Plan {
        fits: needed.ram <= memory.ram && needed.flash <= memory.flash,
        ram: Use { available: memory.ram, needed: needed.ram, parts: ram },
        flash: Use { available: memory.flash, needed: needed.flash, parts: flash },
        most_parameters: u32::try_from(most.min(i64::from(u32::MAX))).ok().filter(|&most| most > 0),
        longest_pause: longest.context("no recorded figures")?,
        steps,
        constants: constants(shape, *policy),
        memory_x: memory_x(*memory, *origin),
    })
}

/// Numbers of a policy but for its replay, and of that.
fn policy_numbers(shape: &DeviceShape, policy: PolicyPlan) -> (usize, usize) {
    let (working, replay) = match policy {
        PolicyPlan::Stored => (shape.actor_scratch_len(), 0),
        PolicyPlan::Training { batch, capacity } => {
            let sac = SacShape { state: shape.state().len() as u32, hidden: shape.hidden, batch, capacity };
            (sac.networks_len() + sac.scratch_len(), sac.replay_len())
        }
    };
    (shape.states_len() + working, replay)
}

/// What was counted, by the shape.
fn steps(shape: &DeviceShape, policy: PolicyPlan, clock_hertz: f64) -> Result<Vec<Step>> {
    let mut figures: BTreeMap<String, u64> = serde_json::from_str(FIGURES).context("the recorded figures")?;
    let mut batch = COUNTED_BATCH;
    if let PolicyPlan::Training { batch: asked, .. } = policy {
        let learning: BTreeMap<String, u64> =
            serde_json::from_str(TRAINING_FIGURES).context("the recorded figures of a policy that learns")?;
        figures.extend(learning);
        batch = asked;
    }
    let steps = figures.iter().filter_map(|(name, &counted)| {
        let name = name.strip_suffix("_longest")?;
        let instructions = (counted as f64 * growth(name, shape, batch)).ceil();
        Some(Step {
            name: name.replace('_', " "),
            instructions: instructions as u64,
            milliseconds: instructions / clock_hertz * 1e3,
            counted: *shape == SHAPE && batch == COUNTED_BATCH,
        })
    });
    Ok(steps.collect())
}

/// By how much a step takes longer than in the shape that was counted, at least 1.
fn growth(step: &str, shape: &DeviceShape, batch: u32) -> f64 {
    let ratio = |of: &dyn Fn(&DeviceShape) -> f64| of(shape) / of(&SHAPE);
    let parameters = ratio(&|shape| f64::from(shape.parameters));
    let items = ratio(&|shape| f64::from(shape.items));
    let entities = ratio(&|shape| f64::from(shape.users) + f64::from(shape.items));
    let largest = ratio(&|shape| f64::from(shape.largest));
    let logarithm = ratio(&|shape| f64::from(math::ln((shape.users + shape.items) as f32 + 1.0)));
    let weights = ratio(&|shape| Actor::weights_len(shape.state().len() as u32, shape.hidden) as f64);
    let growth = match step {
        "learn" => largest,
        // Through the newcomer's side for the rarest, and through the other to forget the pairs of who made way.
        "welcome" => entities.max(largest),
        "propose" => weights,
        // Forth and back through all networks for each transition of a batch.
        "reward" => weights * f64::from(batch) / f64::from(COUNTED_BATCH),
        "short_list" | "recommend" | "recommend_meanwhile" => items.max(parameters),
        // Slices: a rank is O(log entities), a level of the fit that for each size.
        _ => logarithm * largest,
    };
    // What does not depend on the shape stays: a smaller one is not promised less than what was counted.
    growth.max(1.0)
}

fn constants(shape: &DeviceShape, policy: PolicyPlan) -> String {
    let DeviceShape { users, items, parameters, largest, seen_pairs, groups, hidden } = shape;
    let mut text = String::from("use scall_core::device::DeviceShape;\n");
    if policy != PolicyPlan::Stored {
        text.push_str("use scall_core::policy::SacShape;\n");
    }
    // Writing to a text does not fail.
    let _ = write!(
        text,
        "
/// All that decides how much memory the device takes.
pub const SHAPE: DeviceShape = DeviceShape {{
    users: {users},
    items: {items},
    parameters: {parameters},
    largest: {largest},
    seen_pairs: {seen_pairs},
    groups: {groups},
    hidden: {hidden},
}};
"
    );
    if let PolicyPlan::Training { batch, capacity } = policy {
        let _ = write!(
            text,
            "
/// The same of the policy that learns.
pub const POLICY: SacShape = SacShape {{
    state: SHAPE.state().len() as u32,
    hidden: SHAPE.hidden,
    batch: {batch},
    capacity: {capacity},
}};
"
        );
    }
    text.push_str(
        "
/// The memory, all of it zero at the start, so that it takes no room in flash.
pub struct Memory {
    pub values: [f32; SHAPE.values_len()],
    pub floats: [f32; SHAPE.floats_len()],
    pub words: [u32; SHAPE.words_len()],
    pub index: [u8; SHAPE.index_len()],
    pub states: [f32; SHAPE.states_len()],
",
    );
    let policy_fields: &[(&str, &str)] = match policy {
        PolicyPlan::Stored => &[("scratch", "SHAPE.actor_scratch_len()")],
        PolicyPlan::Training { .. } => &[
            ("networks", "POLICY.networks_len()"),
            ("replay", "POLICY.replay_len()"),
            ("scratch", "POLICY.scratch_len()"),
        ],
    };
    for (name, length) in policy_fields {
        let _ = writeln!(text, "    pub {name}: [f32; {length}],");
    }
    text.push_str(
        "}

impl Memory {
    pub const ZERO: Self = Self {
        values: [0.0; _],
        floats: [0.0; _],
        words: [0; _],
        index: [0; _],
        states: [0.0; _],
",
    );
    for (name, _) in policy_fields {
        let _ = writeln!(text, "        {name}: [0.0; _],");
    }
    text.push_str("    };\n}\n");
    text
}

fn memory_x(memory: Chip<u64>, origin: Chip<u32>) -> String {
    let length = |bytes: u64| {
        if bytes > 0 && bytes.is_multiple_of(1024) { format!("{}K", bytes / 1024) } else { bytes.to_string() }
    };
    format!(
        "MEMORY\n{{\n  FLASH : ORIGIN = {:#010x}, LENGTH = {}\n  RAM   : ORIGIN = {:#010x}, LENGTH = {}\n}}\n",
        origin.flash,
        length(memory.flash),
        origin.ram,
        length(memory.ram)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot;
    use scall_core::scenario::{Scenario, Stored, Training};

    /// The memory of the turnover stream that the firmware makes, in a `Scenario` beside the device.
    const STREAM: u64 = 2048;
    const TRAINING: PolicyPlan = PolicyPlan::Training { batch: 4, capacity: 16 };

    fn request(policy: PolicyPlan) -> Request {
        Request {
            shape: SHAPE,
            policy,
            memory: Chip { ram: 64 * 1024, flash: 256 * 1024 },
            application: Chip { ram: STREAM, flash: 0 },
            origin: Chip { ram: 0x2000_0000, flash: 0 },
            clock_hertz: 64e6,
        }
    }

    #[test]
    fn memory_is_that_of_the_run_itself() {
        for (policy, size) in
            [(PolicyPlan::Stored, size_of::<Scenario<Stored>>()), (TRAINING, size_of::<Scenario<Training>>())]
        {
            let plan = plan(&request(policy)).unwrap();
            assert_eq!(plan.ram.needed - plan.ram.parts.stack, size as u64, "{:?}", plan.ram);
            assert!(plan.fits && plan.ram.parts.stack > 0 && plan.flash.parts.code > 0, "{plan:?}");
        }
    }

    #[test]
    fn the_most_parameters_just_fit() {
        let most = plan(&request(PolicyPlan::Stored)).unwrap().most_parameters.unwrap();
        let fits = |parameters| {
            let shape = DeviceShape { parameters, ..SHAPE };
            plan(&Request { shape, ..request(PolicyPlan::Stored) }).unwrap().fits
        };
        assert!(most > SHAPE.parameters && fits(most) && !fits(most + 1), "{most}");
        let small = Request { memory: Chip { ram: 100, flash: 100 }, ..request(PolicyPlan::Stored) };
        let small = plan(&small).unwrap();
        assert_eq!((small.fits, small.most_parameters), (false, None));
    }

    #[test]
    fn pauses_are_those_counted_and_grow_with_the_shape() {
        let counted = plan(&request(PolicyPlan::Stored)).unwrap();
        let figures: BTreeMap<String, u64> = serde_json::from_str(FIGURES).unwrap();
        assert!(counted.steps.len() >= 5, "{:?}", counted.steps);
        for step in &counted.steps {
            assert_eq!(step.instructions, figures[&format!("{}_longest", step.name.replace(' ', "_"))]);
            assert!(step.counted && step.instructions <= counted.longest_pause.instructions);
            let milliseconds = step.instructions as f64 / 64_000.0;
            assert!((step.milliseconds - milliseconds).abs() < 1e-9 * milliseconds);
        }
        let learning = plan(&request(TRAINING)).unwrap();
        let reward = |plan: &Plan| plan.steps.iter().find(|step| step.name == "reward").cloned();
        assert_eq!((reward(&counted), learning.steps.len()), (None, counted.steps.len() + 1));
        let wider = PolicyPlan::Training { batch: 8, capacity: 16 };
        let wider = reward(&plan(&request(wider)).unwrap()).unwrap();
        assert_eq!(wider.instructions, 2 * reward(&learning).unwrap().instructions);
        assert!(!wider.counted);

        let double = DeviceShape {
            users: 2 * SHAPE.users,
            items: 2 * SHAPE.items,
            parameters: 2 * SHAPE.parameters,
            ..SHAPE
        };
        let doubled = plan(&Request { shape: double, ..request(PolicyPlan::Stored) }).unwrap();
        for (one, two) in counted.steps.iter().zip(&doubled.steps) {
            let grown = two.instructions as f64 / one.instructions as f64;
            let expected = match &*one.name {
                "learn" | "propose" => 1.0..1.01,
                // By the logarithm of twice as many entities.
                "close" | "decide" => 1.05..1.15,
                _ => 1.99..2.3,
            };
            assert!(expected.contains(&grown) && !two.counted, "{}: {grown}", one.name);
        }
    }

    /// What is to be pasted compiles, and is the shape that was asked for.
    #[test]
    fn a_smaller_shape_is_promised_no_shorter_pauses_and_both_sides_count() {
        let steps = |shape| plan(&Request { shape, ..request(PolicyPlan::Stored) }).unwrap().steps;
        let counted = steps(SHAPE);
        let small = steps(DeviceShape { users: 8, items: 32, parameters: 256, largest: 8, ..SHAPE });
        assert_eq!(
            small.iter().map(|step| step.instructions).collect::<Vec<_>>(),
            counted.iter().map(|step| step.instructions).collect::<Vec<_>>()
        );
        let welcome = |steps: &[Step]| steps.iter().find(|step| step.name == "welcome").unwrap().instructions;
        let even = steps(DeviceShape { users: SHAPE.items, ..SHAPE });
        assert!(welcome(&even) > welcome(&counted) * 3 / 2);
    }

    #[test]
    fn a_number_of_parameters_beyond_32_bits_is_the_largest_there_is() {
        let memory = Chip { ram: 1 << 40, flash: 1 << 20 };
        let plan = plan(&Request { memory, ..request(PolicyPlan::Stored) }).unwrap();
        assert_eq!(plan.most_parameters, Some(u32::MAX));
    }

    #[test]
    fn the_constants_are_rust() {
        #[allow(dead_code, unreachable_pub)]
        mod stored {
            include!("../../snapshots/plan-stored.rs");
        }
        #[allow(dead_code, unreachable_pub)]
        mod training {
            include!("../../snapshots/plan-training.rs");
        }
        snapshot::check("plan-stored.rs", &constants(&SHAPE, PolicyPlan::Stored));
        snapshot::check("plan-training.rs", &constants(&SHAPE, TRAINING));
        assert_eq!((stored::SHAPE, training::SHAPE), (SHAPE, SHAPE));
        let bytes = |policy| {
            let plan = plan(&request(policy)).unwrap();
            (plan.ram.needed - plan.ram.parts.stack - STREAM) as usize
        };
        assert_eq!(size_of::<stored::Memory>(), bytes(PolicyPlan::Stored));
        assert_eq!(size_of::<training::Memory>(), bytes(TRAINING));
        assert_eq!((stored::Memory::ZERO.values[0], training::Memory::ZERO.replay[0]), (0.0, 0.0));
    }

    #[test]
    fn the_linker_is_told_both_memories() {
        let text = memory_x(Chip { ram: 1000, flash: 2048 }, Chip { ram: 0x2000_0000, flash: 0x0800_0000 });
        assert_eq!(
            text,
            "MEMORY\n{\n  FLASH : ORIGIN = 0x08000000, LENGTH = 2K\n  RAM   : ORIGIN = 0x20000000, LENGTH = 1000\n}\n"
        );
    }
}
