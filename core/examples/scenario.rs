//! The run that machines compare: prints the digests of both kinds of policy and of packed memory, one a line.

use scall_core::scenario::{Packed, SEED, Scenario, ScenarioError, Stored, Training};

fn main() -> Result<(), ScenarioError> {
    println!("stored {:016x}", Scenario::<Stored>::new().run(SEED)?.digest);
    println!("training {:016x}", Scenario::<Training>::new().run(SEED)?.digest);
    println!("packed {:016x}", Packed::new().run(SEED)?.digest);
    Ok(())
}
