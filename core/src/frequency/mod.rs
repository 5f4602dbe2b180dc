//! How often each entity has been seen, and its rank.
