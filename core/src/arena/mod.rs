//! Embedding rows of different lengths, back to back in one slice.
