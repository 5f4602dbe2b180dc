//! The policy: settings, acting, remembering, updating, snapshots.

use core::hint::black_box;
use scall_core::policy::kernels::Portable;
use scall_core::policy::{
    InitialPolicy, Sac, SacConfig, SacMemory, SacShape, Sampling, Transition, WeightDecay,
};
use scall_core::random::Generator;
use scall_core::snapshot;

static mut MEMORY: [f32; 1 << 16] = [0.0; 1 << 16];

fn drive(config: &SacConfig, memory: SacMemory<'_>) {
    let Ok(config) = config.validate() else { return };
    let Ok(mut sac) = Sac::new(&config, memory, Generator::new(black_box(3))) else { return };
    let numbers = black_box([0.5_f32; 64]);
    let state = numbers.get(..black_box(8_usize)).unwrap_or_default();
    let _ = black_box(sac.act(state, black_box(true)));
    let transition =
        Transition { state, action: black_box([0.5; 3]), reward: black_box(1.0), next_state: state };
    let _ = black_box(sac.remember(&transition));
    black_box(sac.update());
    black_box(sac.update_with::<Portable>());
    black_box((sac.updates(), sac.entropy_weight(), sac.config(), sac.replay().get(black_box(0))));
    black_box((sac.replay().len(), sac.replay().is_empty(), sac.replay().capacity()));
    black_box((sac.progress(), sac.networks(), sac.transitions()));
    black_box(config.shape().max_snapshot_len(black_box(3)));
    let mut bytes = black_box([0_u8; 64]);
    let _ = black_box(snapshot::save(&[], &sac, &mut bytes));
    let _ = black_box(snapshot::load(&[], &mut sac, &bytes));
}

pub fn exercise() {
    // SAFETY: nothing else refers to it.
    let Some(memory) = (unsafe { (&raw mut MEMORY).as_mut() }) else { return };
    let memory = memory.get_mut(..black_box(60_000)).unwrap_or_default();
    let (networks, memory) = memory.split_at_mut_checked(black_box(40_000)).unwrap_or_default();
    let (replay, scratch) = memory.split_at_mut_checked(black_box(4_000)).unwrap_or_default();
    let mut config = black_box(SacConfig::compact(black_box(8)));
    black_box((config.shape.networks_len(), config.shape.replay_len(), config.shape.scratch_len()));
    drive(&config, SacMemory { networks, replay, scratch });
    config = black_box(SacConfig::published());
    config.shape = black_box(SacShape { state: 8, hidden: 15, batch: 4, capacity: 9 });
    config.sampling = black_box(Sampling::Uniform);
    config.weight_decay = black_box(WeightDecay::Decoupled(0.1));
    config.initial_policy = black_box(InitialPolicy::Xavier);
    drive(&config, SacMemory { networks, replay, scratch });
}
