//! The policy that chooses the sizes: soft actor-critic over small multi-layer perceptrons.
