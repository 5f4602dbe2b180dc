use scall_core::device::DeviceShape;
use scall_core::policy::SacShape;

/// All that decides how much memory the device takes.
pub const SHAPE: DeviceShape = DeviceShape {
    users: 64,
    items: 512,
    parameters: 4608,
    largest: 32,
    seen_pairs: 1024,
    groups: 8,
    hidden: 7,
};

/// The same of the policy that learns.
pub const POLICY: SacShape = SacShape {
    state: SHAPE.state().len() as u32,
    hidden: SHAPE.hidden,
    batch: 4,
    capacity: 16,
};

/// The memory, all of it zero at the start, so that it takes no room in flash.
pub struct Memory {
    pub values: [f32; SHAPE.values_len()],
    pub floats: [f32; SHAPE.floats_len()],
    pub words: [u32; SHAPE.words_len()],
    pub index: [u8; SHAPE.index_len()],
    pub states: [f32; SHAPE.states_len()],
    pub networks: [f32; POLICY.networks_len()],
    pub replay: [f32; POLICY.replay_len()],
    pub scratch: [f32; POLICY.scratch_len()],
}

impl Memory {
    pub const ZERO: Self = Self {
        values: [0.0; _],
        floats: [0.0; _],
        words: [0; _],
        index: [0; _],
        states: [0.0; _],
        networks: [0.0; _],
        replay: [0.0; _],
        scratch: [0.0; _],
    };
}
