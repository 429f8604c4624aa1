//! A loop that a thread begins at once and shares with the threads of a pool that come in time.
//!
//! A thread that sleeps takes longer to wake than a small loop takes to run. Its owner therefore never waits for a thread to begin, only for
//! those that are at a task when no task is left; and a thread that had a part in a loop looks for the next one for a while before it sleeps.
//!
//! Each thread begins with tasks of its own, the same part of them in each loop: what a loop writes is often read by the tasks of the
//! next one that have the same place, and lies in the cache of the thread that wrote it. Who has done all of his own helps the others.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// In `helpers`: the owner is done, so that nobody may begin.
const CLOSED: usize = 1 << (usize::BITS - 1);
/// How often the owner looks before it sleeps; a task takes some ten microseconds.
const LOOKS: usize = 10_000;

/// How long a thread looks for the next loop: the steps between two loops of a model take less, mostly.
const PATIENCE: Duration = Duration::from_micros(200);
/// How often it looks before it looks at the clock.
const GLANCES: usize = 64;

/// Tasks that are not worth waking a thread for, unless there are more loops soon.
const FEW: usize = 4;

/// A task for each index.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

struct SharedLoop {
    task: *const Task<'static>,
    shares: Shares,
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

/// Threads that share loops, and the loops that were begun.
#[derive(Debug)]
pub(crate) struct Team {
    pool: ThreadPool,
    /// How many loops were begun, for those that look for the next.
    begun: AtomicUsize,
    /// Those that may not have ended.
    open: Mutex<Vec<Weak<SharedLoop>>>,
    /// When the last loop was begun, or ended.
    last: Mutex<Option<Instant>>,
    /// Threads that are at a loop or look for one.
    present: AtomicUsize,
    /// How long they look: not at all where they would keep the owner from its core.
    patience: Duration,
}

impl Team {
    /// So many threads, besides those that begin loops.
    ///
    /// # Errors
    /// When they can't be started.
    pub fn new(threads: usize) -> Result<Arc<Team>, ThreadPoolBuildError> {
        let name = |index| format!("savedmodel-{index}");
        Ok(Arc::new(Team {
            pool: ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?,
            begun: AtomicUsize::new(0),
            open: Mutex::default(),
            last: Mutex::default(),
            present: AtomicUsize::new(0),
            patience: if threads < crate::par::available() { PATIENCE } else { Duration::ZERO },
        }))
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Whether a loop of so many tasks is better left to who begins it: it is small, and no other began lately, so that a thread
    /// that was woken for it would find nothing more to do.
    fn is_lonely(&self, count: usize) -> bool {
        let now = Instant::now();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        let is_one_of_many = last.is_some_and(|last| now.duration_since(last) < PATIENCE);
        count < FEW && !is_one_of_many && self.present.load(Ordering::Relaxed) == 0
    }

    /// Whoever begins a loop soon after this one may need others again.
    fn note_end(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Lets those that are present know of a loop, and wakes others if it is worth more.
    fn call(self: &Arc<Team>, shared: &Arc<SharedLoop>) {
        let wanted = self.threads().min(shared.shares.count.saturating_sub(1));
        if wanted == 0 {
            return;
        }
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|other| other.strong_count() > 0);
            open.push(Arc::downgrade(shared));
            self.begun.fetch_add(1, Ordering::Release);
        }
        for _ in self.present.load(Ordering::Relaxed)..wanted {
            let team = Arc::clone(self);
            self.pool.spawn(move || team.attend());
        }
    }

    /// What a thread does that was woken.
    fn attend(&self) {
        self.present.fetch_add(1, Ordering::Relaxed);
        let mut since = Instant::now();
        loop {
            let seen = self.begun.load(Ordering::Acquire);
            if let Some(next) = self.next() {
                next.help();
                since = Instant::now();
                continue;
            }
            while (0..GLANCES).all(|_| self.is_last(seen)) {
                if since.elapsed() >= self.patience {
                    self.present.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    /// The last loop that has tasks left.
    fn next(&self) -> Option<Arc<SharedLoop>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().rev().filter_map(Weak::upgrade).find(|other| other.shares.are_left())
    }

    fn is_last(&self, seen: usize) -> bool {
        std::hint::spin_loop();
        self.begun.load(Ordering::Acquire) == seen
    }
}

/// Calls `task` with each index below `count`, on this thread and on those of the team that are free.
///
/// # Panics
/// When a task does, after all that were begun have ended.
pub(crate) fn run(team: &Arc<Team>, count: usize, task: &Task<'_>) {
    if team.is_lonely(count) {
        (0..count).for_each(task);
        return team.note_end();
    }
    // SAFETY: only the lifetime changes. The pointer is followed between `enter` and `leave` and by this function; `enter` fails once `Open`
    // has closed the loop, which it does before this function returns or unwinds, and it waits until all that entered have left.
    let task = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(task) };
    let shared = Arc::new(SharedLoop {
        task,
        shares: Shares::new(team.threads() + 1, count),
        helpers: AtomicUsize::new(0),
        panic: Mutex::new(None),
        owner: std::thread::current(),
    });
    {
        let _open = Open(&shared);
        team.call(&shared);
        shared.work(0);
    }
    team.note_end();
    let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// Tasks that threads have shares of.
pub(crate) struct Shares {
    count: usize,
    /// The next task of each share that nobody has taken.
    next: Box<[AtomicUsize]>,
}

impl Shares {
    pub fn new(threads: usize, count: usize) -> Shares {
        Shares { count, next: (0..threads).map(|thread| first_of(thread, threads, count).into()).collect() }
    }

    /// Does the tasks of a thread, then those that others have left.
    pub fn work(&self, thread: usize, mut task: impl FnMut(usize)) {
        let threads = self.next.len();
        for thread in (thread..threads).chain(0..thread) {
            let end = first_of(thread + 1, threads, self.count);
            loop {
                let index = self.next[thread].fetch_add(1, Ordering::Relaxed);
                if index >= end {
                    break;
                }
                task(index);
            }
        }
    }

    /// Whether nobody has taken some task.
    pub fn are_left(&self) -> bool {
        let end = |thread| first_of(thread + 1, self.next.len(), self.count);
        self.next.iter().enumerate().any(|(thread, next)| next.load(Ordering::Relaxed) < end(thread))
    }

    /// Lets nobody take another task.
    fn end(&self) {
        self.next.iter().for_each(|next| next.store(self.count, Ordering::Relaxed));
    }
}

/// The first of `count` tasks that are those of a thread, of so many.
fn first_of(thread: usize, threads: usize, count: usize) -> usize {
    let (each, more) = (count / threads, count % threads);
    thread * each + thread.min(more)
}

impl SharedLoop {
    fn work(&self, thread: usize) {
        // SAFETY: the owner and those that entered work only while the task lives, see `run`.
        let task = unsafe { &*self.task };
        self.shares.work(thread, task);
    }

    /// What a thread of the pool does.
    fn help(&self) {
        if !self.enter() {
            return;
        }
        let thread = rayon::current_thread_index().map_or(0, |index| index + 1) % self.shares.next.len();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work(thread))) {
            self.shares.end();
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
        self.0.shares.end();
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

    /// A team whose threads look for the next loop for so long.
    fn patient(threads: usize, patience: Duration) -> Arc<Team> {
        let team = Team::new(threads).unwrap();
        Arc::new(Team { patience, ..Arc::into_inner(team).unwrap() })
    }

    /// [`super::run`], where a loop is never lonely.
    fn run(team: &Arc<Team>, count: usize, task: &Task<'_>) {
        *team.last.lock().unwrap() = Some(Instant::now() + Duration::from_secs(60));
        super::run(team, count, task);
    }

    #[test]
    fn nobody_is_woken_for_a_lonely_loop() {
        let team = patient(1, Duration::ZERO);
        let owner = std::thread::current().id();
        for count in [0, 1, FEW - 1] {
            super::run(&team, count, &|_| assert_eq!(std::thread::current().id(), owner));
            assert!(!team.is_lonely(count));
            *team.last.lock().unwrap() = None;
        }
        assert!(!team.is_lonely(FEW));
        *team.last.lock().unwrap() = Some(Instant::now() + Duration::from_secs(60));
        assert!(!team.is_lonely(1));
    }

    #[test]
    fn every_index_is_visited_once() {
        for patience in [Duration::ZERO, PATIENCE] {
            let team = patient(3, patience);
            for count in [0, 1, 2, 100] {
                for _ in 0..50 {
                    let visits: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                    run(&team, count, &|index| {
                        visits[index].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(visits.into_iter().all(|visits| visits.into_inner() == 1));
                }
            }
        }
    }

    #[test]
    fn each_thread_begins_with_tasks_of_its_own() {
        let team = patient(1, Duration::from_secs(2));
        for _ in 0..3 {
            let (both, owner) = (Barrier::new(2), std::thread::current().id());
            run(&team, 2, &|index| {
                assert_eq!(index == 0, std::thread::current().id() == owner);
                both.wait();
            });
        }
        for threads in [1, 2, 5] {
            for count in [0, 3, 10] {
                assert_eq!((first_of(0, threads, count), first_of(threads, threads, count)), (0, count));
                assert!((0..threads).all(|t| first_of(t, threads, count) <= first_of(t + 1, threads, count)));
            }
        }
    }

    #[test]
    fn a_thread_that_looks_for_a_loop_is_not_woken_for_it() {
        let team = patient(1, Duration::from_secs(2));
        for _ in 0..3 {
            // Both must come, so the thread of the team is present after.
            let together = Barrier::new(2);
            run(&team, 2, &|_| {
                together.wait();
            });
            assert_eq!(team.present.load(Ordering::Relaxed), 1);
        }
        // A thread that was woken as well would have to wait for the first to go.
        let (sent, received) = std::sync::mpsc::channel();
        team.pool.spawn(move || sent.send(()).unwrap_or_default());
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn loops_of_several_owners_are_shared() {
        let team = patient(1, Duration::from_secs(2));
        // Every loop needs the one thread of the team, which is present when two begin.
        let together = Barrier::new(2);
        let both = || {
            run(&team, 2, &|_| {
                together.wait();
            });
        };
        both();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let apart = Barrier::new(2);
                    run(&team, 2, &|_| {
                        apart.wait();
                    });
                });
            }
        });
        both();
    }

    #[test]
    fn threads_that_do_not_come_are_not_waited_for() {
        let team = patient(1, Duration::ZERO);
        let (begun, done) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (there, end) = (Arc::clone(&begun), Arc::clone(&done));
        team.pool.spawn(move || {
            there.wait();
            end.wait();
        });
        begun.wait();
        let sum = AtomicUsize::new(0);
        run(&team, 10, &|index| {
            sum.fetch_add(index, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 45);
        done.wait();
    }

    #[test]
    fn helpers_that_are_late_are_waited_for() {
        let team = patient(1, Duration::ZERO);
        let together = Barrier::new(2);
        let ended = AtomicUsize::new(0);
        let owner = std::thread::current().id();
        run(&team, 2, &|_| {
            together.wait();
            if std::thread::current().id() != owner {
                std::thread::sleep(Duration::from_millis(20));
            }
            ended.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ended.into_inner(), 2);
    }

    #[test]
    fn panics_come_out_wherever_they_happen() {
        let team = patient(1, Duration::ZERO);
        let owner = std::thread::current().id();
        for by_owner in [true, false] {
            let together = Barrier::new(2);
            let panic = catch_unwind(AssertUnwindSafe(|| {
                run(&team, 2, &|_| {
                    together.wait();
                    assert!(by_owner != (std::thread::current().id() == owner), "on purpose");
                });
            }));
            assert!(panic.is_err());
        }
        run(&team, 2, &|_| {});
    }
}
