//! How many arenas the system's allocator may have. Not an allocator.
//!
//! glibc gives each of the many threads that decode, flush, merge and query an arena of its own, up to eight a processor, and
//! seldom gives back what one of them once held. With as many arenas as processors the peak is lower.

/// Limits the arenas to the number of processors. Other systems' allocators are left as they are.
pub(crate) fn limit() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        set_most(i32::try_from(processors).unwrap_or(i32::MAX));
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set_most(arenas: i32) {
    #[expect(unsafe_code, reason = "the C library has no other way")]
    // SAFETY: `mallopt` takes two integers, reads and writes nothing of the caller's, and takes the allocator's own lock, so
    // that it may be called at any time; M_ARENA_MAX takes any positive number.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, arenas);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// Bytes of address space that an arena's heap takes, and where it may begin.
    const HEAP: usize = 64 << 20;

    /// Heaps of arenas other than the first: mappings that begin where heaps do and, with what is kept free behind them, end
    /// so as well.
    fn heaps() -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("on Linux");
        let bounds = |line: &str| {
            let (from, to) = line.split_whitespace().next()?.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some((number(from)?, number(to)?))
        };
        let all: Vec<(usize, usize)> = maps.lines().filter_map(bounds).collect();
        let is_heap = |pair: &&[(usize, usize)]| {
            let (used, free) = (pair[0], pair[1]);
            used.0 % HEAP == 0 && used.1 == free.0 && free.1 == used.0 + HEAP
        };
        all.windows(2).filter(is_heap).count()
    }

    #[test]
    fn many_threads_share_few_arenas() {
        set_most(2);
        let before = heaps();
        let all_hold = Barrier::new(17);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let held = std::hint::black_box(vec![1_u8; 1000]);
                    all_hold.wait();
                    all_hold.wait();
                    drop(held);
                });
            }
            all_hold.wait();
            let heaps = heaps();
            all_hold.wait();
            assert!(heaps <= before + 1, "{heaps} heaps, {before} before");
        });
    }
}
