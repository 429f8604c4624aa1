//! A loop that a thread begins at once and shares with the threads of a pool that come in time.
//!
//! A thread that sleeps takes longer to wake than a small loop takes to run. Its owner therefore never waits for a thread to begin, only for
//! those that are at a task when no task is left.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use rayon::ThreadPool;

/// In `helpers`: the owner is done, so that nobody may begin.
const CLOSED: usize = 1 << (usize::BITS - 1);
/// How often the owner looks before it sleeps; a task takes some ten microseconds.
const LOOKS: usize = 10_000;

/// A task for each index.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

struct SharedLoop {
    task: *const Task<'static>,
    count: usize,
    /// The next index that nobody has taken.
    next: AtomicUsize,
    /// How many of the pool's threads are at it, and [`CLOSED`].
    helpers: AtomicUsize,
    /// What a helper's task panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    owner: Thread,
}

// SAFETY: the task may be called from several threads at the same time, and `run` keeps it alive while any may call it; all else may be sent.
unsafe impl Send for SharedLoop {}
// SAFETY: as above.
unsafe impl Sync for SharedLoop {}

/// Calls `task` with each index below `count`, on this thread and on those of the pool that are free.
///
/// # Panics
/// When a task does, after all that were begun have ended.
pub(crate) fn run(pool: &ThreadPool, count: usize, task: &Task<'_>) {
    // SAFETY: only the lifetime changes. The pointer is followed between `enter` and `leave` and by this function; `enter` fails once `Open`
    // has closed the loop, which it does before this function returns or unwinds, and it waits until all that entered have left.
    let task = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(task) };
    let shared = Arc::new(SharedLoop {
        task,
        count,
        next: AtomicUsize::new(0),
        helpers: AtomicUsize::new(0),
        panic: Mutex::new(None),
        owner: std::thread::current(),
    });
    {
        let _open = Open(&shared);
        for _ in 0..pool.current_num_threads().min(count.saturating_sub(1)) {
            let shared = Arc::clone(&shared);
            pool.spawn(move || shared.help());
        }
        shared.work();
    }
    let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

impl SharedLoop {
    fn work(&self) {
        // SAFETY: the owner and those that entered work only while the task lives, see `run`.
        let task = unsafe { &*self.task };
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.count {
                break;
            }
            task(index);
        }
    }

    /// What a thread of the pool does.
    fn help(&self) {
        if !self.enter() {
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work())) {
            self.next.store(self.count, Ordering::Relaxed);
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
        self.leave();
    }

    fn enter(&self) -> bool {
        let one_more = |helpers| if helpers & CLOSED == 0 { Some(helpers + 1) } else { None };
        self.helpers.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more).is_ok()
    }

    fn leave(&self) {
        if self.helpers.fetch_sub(1, Ordering::Release) == CLOSED + 1 {
            self.owner.unpark();
        }
    }
}

/// Closes the loop when dropped, and waits until nobody is at it.
struct Open<'a>(&'a SharedLoop);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // A task of this thread may have panicked.
        self.0.next.store(self.0.count, Ordering::Relaxed);
        let mut helpers = self.0.helpers.fetch_or(CLOSED, Ordering::AcqRel) | CLOSED;
        let mut looks = 0;
        while helpers != CLOSED {
            if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::park();
            }
            helpers = self.0.helpers.load(Ordering::Acquire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn pool(threads: usize) -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_index_is_visited_once() {
        let pool = pool(3);
        for count in [0, 1, 2, 100] {
            for _ in 0..50 {
                let visits: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                run(&pool, count, &|index| {
                    visits[index].fetch_add(1, Ordering::Relaxed);
                });
                assert!(visits.into_iter().all(|visits| visits.into_inner() == 1));
            }
        }
    }

    #[test]
    fn threads_that_do_not_come_are_not_waited_for() {
        let pool = pool(1);
        let (begun, done) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (there, end) = (Arc::clone(&begun), Arc::clone(&done));
        pool.spawn(move || {
            there.wait();
            end.wait();
        });
        begun.wait();
        let sum = AtomicUsize::new(0);
        run(&pool, 10, &|index| {
            sum.fetch_add(index, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 45);
        done.wait();
    }

    #[test]
    fn helpers_that_are_late_are_waited_for() {
        let pool = pool(1);
        let together = Barrier::new(2);
        let ended = AtomicUsize::new(0);
        let owner = std::thread::current().id();
        run(&pool, 2, &|_| {
            together.wait();
            if std::thread::current().id() != owner {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            ended.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ended.into_inner(), 2);
    }

    #[test]
    fn panics_come_out_wherever_they_happen() {
        let pool = pool(1);
        let owner = std::thread::current().id();
        for by_owner in [true, false] {
            let together = Barrier::new(2);
            let panic = catch_unwind(AssertUnwindSafe(|| {
                run(&pool, 2, &|_| {
                    together.wait();
                    assert!(by_owner != (std::thread::current().id() == owner), "on purpose");
                });
            }));
            assert!(panic.is_err());
        }
        run(&pool, 2, &|_| {});
    }
}
