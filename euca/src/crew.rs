//! Several workers for things that wait for the network: a bounded number at a time, and none that
//! begins when another has failed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Does `work` for each of `items`, at most `workers` of them at a time. Gives the results in the
/// order of the items, or the failure that came first; what was in progress then is brought to its
/// end, and nothing more is begun.
pub(crate) fn each<'a, T: Sync, R: Send, E: Send>(
    items: &'a [T],
    workers: usize,
    work: impl Fn(&'a T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while !stopped.load(Ordering::SeqCst) {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(at) else { return };
                    match work(item) {
                        Ok(result) => hold(&results).push((at, result)),
                        Err(error) => {
                            stopped.store(true, Ordering::SeqCst);
                            hold(&failure).get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = hold(&failure).take() {
        return Err(error);
    }
    let mut results = std::mem::take(&mut *hold(&results));
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Locks; a worker that panicked has left nothing half done in what is held here.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_and_the_workers_their_number() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let items: Vec<usize> = (0..200).collect();
        let doubled = each(&items, 3, |item| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(item * 2)
        });
        assert_eq!(doubled.unwrap(), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(each(&[] as &[u8], 4, |_| Ok::<u8, ()>(0)), Ok(Vec::new()));
    }

    #[test]
    fn nothing_begins_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let items: Vec<usize> = (0..1000).collect();
        let failed = each(&items, 2, |item| {
            begun.fetch_add(1, Ordering::SeqCst);
            if *item == 3 { Err(*item) } else { Ok(()) }
        });
        assert_eq!(failed, Err(3));
        assert!(begun.into_inner() < 1000);
    }
}
