//! Aligned memory, and what is kept of it for the next tensor.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use memmap2::MmapMut;

use crate::{Error, Result};

/// The most bytes that one tensor may take; a request above it is refused before the allocator is asked.
pub const MAX_TENSOR_BYTES: usize = 1 << 40;

pub(crate) const ALIGNMENT: usize = 64;

/// The most bytes that a thread keeps for later.
const MAX_KEPT: usize = 512 << 20;
/// The most blocks of one size class that a thread keeps.
const MAX_BLOCKS: usize = 32;
/// How many classes above the wanted one are searched: up to four times the size.
const REACH: usize = 8;
/// Blocks have 2^n or 1.5 * 2^n bytes.
const CLASSES: usize = 2 * (usize::BITS as usize);
/// Bytes from which memory is asked of the system by itself, in large pages where it has them.
const MAPPED: usize = 4 << 20;

/// Bytes of one owner, aligned and always initialised; dropped, they are kept for this thread's next tensors.
pub(crate) struct Allocation(ManuallyDrop<Block>);

/// Memory of the allocator or the system.
struct Block {
    /// Where the aligned bytes begin.
    ptr: NonNull<u8>,
    /// How many there are.
    capacity: usize,
    /// Who owns them, unless it is the allocator.
    map: Option<MmapMut>,
}

// SAFETY: a `Block` owns its memory alone; it is shared only for reading, through `Arc`.
unsafe impl Send for Block {}
// SAFETY: as above: `&Block` gives out nothing but `&[u8]`.
unsafe impl Sync for Block {}

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { blocks: Vec::new(), bytes: 0 }) };
}

/// Memory of tensors that are gone, by size class.
///
/// Tensors of a model come and go in the same sizes with each call. Asking the system each time costs more than many
/// kernels: large blocks are given back and mapped anew, page by page.
struct Kept {
    blocks: Vec<Vec<Block>>,
    bytes: usize,
}

impl Kept {
    fn take(&mut self, class: usize) -> Option<Block> {
        let last = self.blocks.len().min(class + REACH + 1);
        let found = self.blocks.get_mut(class..last)?.iter_mut().find_map(Vec::pop)?;
        self.bytes -= found.capacity;
        Some(found)
    }

    /// Keeps a block, unless there are enough.
    fn put(&mut self, block: Block) {
        let class = class_of(block.capacity);
        if self.blocks.is_empty() {
            self.blocks.resize_with(CLASSES, Vec::new);
        }
        let list = &mut self.blocks[class];
        if self.bytes + block.capacity <= MAX_KEPT && list.len() < MAX_BLOCKS {
            self.bytes += block.capacity;
            list.push(block);
        }
    }
}

/// The class of the smallest blocks that hold `len` bytes.
#[inline]
fn class_of(len: usize) -> usize {
    let power = len.max(ALIGNMENT).next_power_of_two();
    let class = 2 * power.trailing_zeros() as usize;
    if len <= power / 4 * 3 { class - 1 } else { class }
}

#[inline]
fn capacity_of(class: usize) -> usize {
    let power = 1 << class.div_ceil(2);
    if class % 2 == 1 { power / 4 * 3 } else { power }
}

impl Block {
    fn zeroed(len: usize) -> Result<Block> {
        let too_large = || Error::resource_exhausted(format!("OOM when allocating a tensor of {len} bytes"));
        if len > MAX_TENSOR_BYTES {
            return Err(too_large());
        }
        let capacity = capacity_of(class_of(len));
        if capacity >= MAPPED
            && let Ok(mut map) = MmapMut::map_anon(capacity)
        {
            #[cfg(target_os = "linux")]
            // A system without large pages gives small ones.
            let _ = map.advise(memmap2::Advice::HugePage);
            let ptr = NonNull::new(map.as_mut_ptr()).ok_or_else(too_large)?;
            return Ok(Block { ptr, capacity, map: Some(map) });
        }
        // SAFETY: the layout's size is at least `ALIGNMENT`.
        let ptr = NonNull::new(unsafe { alloc_zeroed(layout(capacity)) }).ok_or_else(too_large)?;
        // The allocator gives large blocks of zeros without touching them only if no alignment is asked for.
        let start = match ptr.as_ptr().align_offset(ALIGNMENT) {
            0 => ALIGNMENT,
            start => start,
        };
        // SAFETY: the layout has room for the alignment, and `start` is at least one.
        let ptr = unsafe {
            let aligned = ptr.add(start);
            aligned.sub(1).write(start as u8);
            aligned
        };
        Ok(Block { ptr, capacity, map: None })
    }
}

impl Allocation {
    /// Zero bytes, at least `len`.
    pub(crate) fn zeroed(len: usize) -> Result<Allocation> {
        Block::zeroed(len).map(|block| Allocation(ManuallyDrop::new(block)))
    }

    /// At least `len` bytes with any content, from what this thread kept if something fits.
    pub(crate) fn recycled(len: usize) -> Result<Allocation> {
        let kept = KEPT.try_with(|kept| kept.borrow_mut().take(class_of(len))).ok().flatten();
        let mut memory = Allocation(ManuallyDrop::new(kept.map_or_else(|| Block::zeroed(len), Ok)?));
        if cfg!(debug_assertions) {
            // Who forgets to write a part is found out: as a number this is large, so that sums show it, too.
            memory.bytes_mut()[..len].fill(0x7F);
        }
        Ok(memory)
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `ptr` is valid for `capacity` initialised bytes as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.0.ptr.as_ptr(), self.0.capacity) }
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` proves that nobody else looks.
        unsafe { std::slice::from_raw_parts_mut(self.0.ptr.as_ptr(), self.0.capacity) }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: nobody looks at the field after this.
        let block = unsafe { ManuallyDrop::take(&mut self.0) };
        // A thread that ends keeps nothing: the block goes back to the system.
        let _ = KEPT.try_with(|kept| kept.borrow_mut().put(block));
    }
}

/// The system's allocator is asked for a little more, so that the bytes can be aligned here. The byte in front of them says
/// by how much they were moved.
fn layout(capacity: usize) -> Layout {
    Layout::from_size_align(capacity + ALIGNMENT, 1).expect("sizes are far below the address space")
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.map.is_some() {
            return;
        }
        // SAFETY: `zeroed` wrote `start`, took the memory with this layout, and `ptr` lies `start` bytes inside.
        unsafe {
            let start = usize::from(self.ptr.sub(1).read());
            dealloc(self.ptr.sub(start).as_ptr(), layout(self.capacity));
        }
    }
}

/// Gives the memory that this thread keeps for its next tensors back to the system.
pub fn release_kept_memory() {
    let _ = KEPT.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        kept.blocks.clear();
        kept.bytes = 0;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_is_asked() {
        for len in (0..5000).chain([1 << 20, (1 << 20) + 1, 3 << 19, MAX_TENSOR_BYTES]) {
            let capacity = capacity_of(class_of(len));
            assert!(capacity >= len && capacity <= (len * 3 / 2).max(ALIGNMENT), "{len}: {capacity}");
            assert_eq!(class_of(capacity), class_of(len));
        }
    }

    #[test]
    fn memory_comes_back() {
        release_kept_memory();
        let mut block = Allocation::recycled(1000).unwrap();
        block.bytes_mut().fill(7);
        let place = block.0.ptr;
        drop(block);
        let zeros = Allocation::zeroed(1000).unwrap();
        assert_ne!(zeros.0.ptr, place);
        assert!(zeros.bytes().iter().all(|&byte| byte == 0));
        let near = Allocation::recycled(500).unwrap();
        assert_eq!(near.0.ptr, place);
        assert_ne!(Allocation::recycled(500).unwrap().0.ptr, place);
        drop((near, zeros));
        assert_ne!(Allocation::recycled(4000).unwrap().0.ptr, place);
        release_kept_memory();
    }

    #[test]
    fn memory_is_aligned() {
        for len in [17, 100, 5000, 1 << 20, MAPPED + 1] {
            let block = Allocation::zeroed(len).unwrap();
            assert_eq!(block.0.ptr.as_ptr() as usize % ALIGNMENT, 0);
            assert!(block.bytes().len() >= len && block.bytes().iter().all(|&byte| byte == 0));
        }
        assert!(Allocation::zeroed(MAX_TENSOR_BYTES + 1).is_err());
    }
}
