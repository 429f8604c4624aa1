//! Chunks of an output as tasks for several threads.

use std::sync::{Mutex, PoisonError};

use savedmodel_math::par;

/// Calls `f(offset, chunk)` on consecutive chunks of at most `grain` elements, on several threads if there are several.
///
/// Unlike `par::for_chunks_mut` it is compiled once per element type and not once per closure.
pub fn for_chunks<T: Send>(out: &mut [T], grain: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let grain = grain.max(1);
    if out.len() <= grain {
        return f(0, out);
    }
    let chunks: Vec<Mutex<&mut [T]>> = out.chunks_mut(grain).map(Mutex::new).collect();
    for_each(chunks.len(), &|i| {
        let mut chunk = chunks[i].lock().unwrap_or_else(PoisonError::into_inner);
        f(i * grain, &mut chunk);
    });
}

/// Calls `f(index)` for each index below `count`, each call a task of its own.
pub fn for_each(count: usize, f: &(dyn Fn(usize) + Sync)) {
    par::for_each(count, f);
}
