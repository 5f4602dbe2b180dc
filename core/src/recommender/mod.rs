//! Matrix factorisation with BPR over ragged rows.
