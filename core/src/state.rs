//! What the policy reads: a vector of fixed length.
