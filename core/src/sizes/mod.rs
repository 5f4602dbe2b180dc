//! From an action and a budget to whole row sizes.
