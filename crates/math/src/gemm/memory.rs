//! Memory of packed matrices.

use memmap2::MmapMut;

use super::tile::Tiled;

/// Bytes from which memory is asked of the system by itself, in large pages where it has them: a matrix that streams through
/// the caches would else wait for the address of every fourth kilobyte, and the first touch of each would be a call of the system.
const MAPPED: usize = 1 << 17;

/// Numbers of one owner, which are 0 at first.
#[derive(Debug)]
pub(super) enum Memory<T> {
    /// From the allocator.
    Allocated(Vec<T>),
    /// From the system, and how many numbers that holds.
    Mapped(MmapMut, usize),
}

impl<T: Tiled + Default> Memory<T> {
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
            _ => Memory::Allocated(vec![T::default(); len]),
        }
    }
}

impl<T: Tiled> std::ops::Deref for Memory<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Memory::Allocated(numbers) => numbers,
            // SAFETY: the map holds so many numbers and is aligned to a page; they are plain numbers, for which any bytes are
            // values, and the system gives zeros.
            Memory::Mapped(map, len) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), *len) },
        }
    }
}

impl<T: Tiled> std::ops::DerefMut for Memory<T> {
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
