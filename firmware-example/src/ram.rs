//! How much memory the program takes, by the linker's account and by the painted stack.

unsafe extern "C" {
    /// The first byte of the static variables; its address is all that is used.
    static __sdata: u8;
}

/// Bytes of static variables.
pub fn statics() -> u32 {
    let first = (&raw const __sdata).addr();
    cortex_m_stack::stack().end.addr().saturating_sub(first) as u32
}

/// Bytes of stack that have ever been in use: start-up painted all of it, and what is no longer paint counts.
pub fn deepest_stack() -> u32 {
    cortex_m_stack::stack_size().saturating_sub(cortex_m_stack::stack_painted())
}

/// Bytes between the static variables and the top of the memory, all of them the stack's.
pub fn stack_limit() -> u32 {
    cortex_m_stack::stack_size()
}
