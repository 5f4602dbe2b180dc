//! How much memory the process has held.

/// The most memory the process ever held, in bytes; 0 where the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    kibibytes(&status, "VmHWM:").unwrap_or(0) * 1024
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status() {
        let status = "Name:\tscall\nVmPeak:\t  912 kB\nVmHWM:\t     640 kB\nThreads:\t1\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(640));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
