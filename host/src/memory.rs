//! Memory of the process: what it has held, and large arrays of numbers.

use std::io;

use memmap2::MmapMut;

/// Numbers, zero at first, of which the system provides what is used: on large pages where it has them, which
/// spares whoever sweeps over many of them most of the translation of addresses.
#[derive(Debug)]
pub struct Numbers {
    map: MmapMut,
    len: usize,
}

/// Fewer bytes than this do not gain from large pages.
#[cfg(any(target_os = "linux", test))]
const LARGE: usize = 8 << 20;

impl Numbers {
    /// `len` zeros.
    ///
    /// # Errors
    /// If the system has no room.
    pub fn zeros(len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<f32>()).ok_or(io::ErrorKind::OutOfMemory)?;
        // A map of no bytes is refused.
        let map = MmapMut::map_anon(bytes.max(1))?;
        #[cfg(target_os = "linux")]
        if bytes >= LARGE {
            // A system without large pages refuses, and works all the same.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self { map, len })
    }

    /// The numbers.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // A map begins with a page, so it is aligned.
        bytemuck::cast_slice_mut(&mut self.map[..self.len * size_of::<f32>()])
    }
}

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
    fn numbers_are_zero_and_keep_what_is_written() {
        for len in [0, 1, 5, LARGE / size_of::<f32>() + 3] {
            let mut numbers = Numbers::zeros(len).expect("the system has room");
            assert_eq!(numbers.as_mut_slice().len(), len);
            assert!(numbers.as_mut_slice().iter().all(|&number| number == 0.0));
            if let Some(last) = numbers.as_mut_slice().last_mut() {
                *last = 2.5;
                assert_eq!(numbers.as_mut_slice()[len - 1], 2.5);
            }
        }
        assert!(Numbers::zeros(usize::MAX).is_err());
    }

    #[test]
    fn the_peak_is_read_from_the_status() {
        let status = "Name:\tscall\nVmPeak:\t  912 kB\nVmHWM:\t     640 kB\nThreads:\t1\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(640));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
