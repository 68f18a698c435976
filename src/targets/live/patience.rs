//! Questions that may never be answered: a name service waits for its network, a filesystem of an
//! unprivileged user (FUSE) for its user. spotcheck does not wait for them for ever.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Threads that are given up may stay blocked until spotcheck ends. With so many of them nothing
/// more is asked: somebody is playing for time.
const BLOCKED_LIMIT: usize = 4;

static BLOCKED: AtomicUsize = AtomicUsize::new(0);

/// Asks on another thread and waits for the answer for a limited time.
///
/// # Errors
/// `TimedOut` if there is no answer in time, or none is expected any more; else the error that kept
/// the thread from being started.
pub(in crate::targets) fn within<T: Send + 'static>(
    limit: Duration,
    question: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    within_of((&BLOCKED, BLOCKED_LIMIT), limit, question)
}

/// The same with a count of its own of threads that are given up, and the most of them.
pub(in crate::targets) fn within_of<T: Send + 'static>(
    (blocked, most): (&'static AtomicUsize, usize),
    limit: Duration,
    question: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let why = format!("no answer within {} seconds", limit.as_secs());
    let late = || io::Error::new(io::ErrorKind::TimedOut, why);
    if blocked.load(Ordering::Relaxed) >= most {
        return Err(late());
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        // Nobody may be waiting any more; then this thread is blocked no longer.
        if sender.send(question()).is_err() {
            blocked.fetch_sub(1, Ordering::Relaxed);
        }
    })?;
    receiver.recv_timeout(limit).map_err(|_| {
        blocked.fetch_add(1, Ordering::Relaxed);
        late()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_time_is_given_on_and_a_late_one_is_not_waited_for() {
        assert_eq!(within(Duration::from_secs(5), || 1).unwrap(), 1);
        let start = std::time::Instant::now();
        let late = within(Duration::from_millis(20), || {
            std::thread::sleep(Duration::from_millis(500));
        });
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_millis(400));
    }
}
