//! Memory of packed matrices.

use memmap2::MmapMut;

use super::blocks::Line;

/// Bytes from which memory is asked of the system by itself, in large pages where it has them: a matrix that streams through
/// the caches would else wait for the address of every fourth kilobyte, and the first touch of each would be a call of the system.
const MAPPED: usize = 1 << 17;

/// What packed matrices consist of.
///
/// # Safety
/// Any bytes are a value, and bytes of 0 are [`Plain::ZERO`].
pub unsafe trait Plain: Copy + Send + Sync + 'static {
    /// All bytes are 0.
    const ZERO: Self;
}

// SAFETY: of numbers all bits are values.
unsafe impl Plain for f32 {
    const ZERO: f32 = 0.0;
}
// SAFETY: as above.
unsafe impl Plain for f64 {
    const ZERO: f64 = 0.0;
}
// SAFETY: as above; a line has no bytes but those of its numbers.
unsafe impl Plain for Line {
    const ZERO: Line = Line::ZERO;
}

/// Numbers of one owner, which are 0 at first.
#[derive(Debug)]
pub(super) enum Memory<T> {
    /// From the allocator.
    Allocated(Vec<T>),
    /// From the system, and how many numbers that holds.
    Mapped(MmapMut, usize),
}

impl<T: Plain> Memory<T> {
    pub fn zeros(len: usize) -> Memory<T> {
        let bytes = len.saturating_mul(size_of::<T>());
        let map = (bytes >= MAPPED).then(|| MmapMut::map_anon(bytes));
        match map {
            Some(Ok(map)) => {
                #[cfg(target_os = "linux")]
                // A system without large pages gives small ones.
                let _ = map.advise(memmap2::Advice::HugePage);
                Memory::Mapped(map, len)
            }
            _ => Memory::Allocated(vec![T::ZERO; len]),
        }
    }
}

impl<T: Plain> std::ops::Deref for Memory<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Memory::Allocated(numbers) => numbers,
            // SAFETY: the map holds so many numbers and is aligned to a page; any bytes are values, and the system gives
            // zeros.
            Memory::Mapped(map, len) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), *len) },
        }
    }
}

impl<T: Plain> std::ops::DerefMut for Memory<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Memory::Allocated(numbers) => numbers,
            // SAFETY: as above, and the map is borrowed for writing.
            Memory::Mapped(map, len) => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), *len)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_is_zero_and_keeps_what_is_written() {
        for len in [0, 3, MAPPED / 4 - 1, MAPPED / 4, MAPPED] {
            let mut memory = Memory::<f32>::zeros(len);
            assert_eq!(matches!(memory, Memory::Mapped(..)), len * 4 >= MAPPED);
            assert!(memory.len() == len && memory.iter().all(|&x| x == 0.0));
            memory.fill(2.0);
            assert!(memory.iter().all(|&x| x == 2.0));
        }
    }
}
