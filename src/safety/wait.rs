//! Waiting for what may never answer: a dead mount, a silent server.

use std::sync::mpsc;
use std::time::Duration;

/// Does a job on a thread of its own; `None` when it is not done in time. The thread is then left to
/// itself, and ends with the process at the latest.
///
/// Where no thread can be started, the job is not done either.
pub fn at_most<T: Send + 'static>(
    limit: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    // Nobody may be listening any more.
    let work = move || drop(sender.send(job()));
    std::thread::Builder::new().spawn(work).ok()?;
    receiver.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_given_up() {
        assert_eq!(at_most(Duration::from_secs(10), || 5), Some(5));
        let never = || std::thread::sleep(Duration::from_secs(60));
        assert_eq!(at_most(Duration::from_millis(20), never), None);
    }
}
