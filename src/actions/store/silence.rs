//! A server that accepts a connection and then says nothing: stopped, cut off, or made to.
//!
//! The client waits for each answer without end, and the report of a run would wait with it. So a
//! thread watches: where an answer takes too long it shuts the connection down (`shutdown(2)`), and
//! the client is told that the server has gone. Which descriptor that is the client does not say; it is
//! the socket that was not there before it connected.

use nix::sys::socket::{Shutdown, shutdown};
use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often it is looked whether an answer takes too long.
const TURN: Duration = Duration::from_millis(200);

/// Watches over the answers of one connection.
pub struct Watch {
    state: Arc<State>,
}

struct State {
    start: Instant,
    /// Until when the answer has to be there, milliseconds from the start on; 0: nobody waits for one.
    until: AtomicU64,
    gave_up: AtomicBool,
    before: BTreeSet<(RawFd, PathBuf)>,
}

/// While it lives, an answer is awaited.
pub struct Awaited<'a>(&'a State);

impl Watch {
    /// Begins before the connection is made.
    pub fn begin() -> Self {
        let state = Arc::new(State {
            start: Instant::now(),
            until: AtomicU64::new(0),
            gave_up: AtomicBool::new(false),
            before: sockets(),
        });
        let watched = Arc::downgrade(&state);
        // Where no thread can be started nobody watches, and all else is as ever.
        let _ = std::thread::Builder::new().spawn(move || watch(&watched));
        Self { state }
    }

    /// From now on an answer is awaited, for so long.
    pub fn awaits(&self, limit: Duration) -> Awaited<'_> {
        let until = self.state.start.elapsed().saturating_add(limit).as_millis();
        self.state.until.store(u64::try_from(until).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
        Awaited(&self.state)
    }

    /// Whether the connection was given up.
    pub fn gave_up(&self) -> bool {
        self.state.gave_up.load(Ordering::Relaxed)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.until.store(0, Ordering::Relaxed);
    }
}

/// Ends with the connection.
fn watch(state: &Weak<State>) {
    loop {
        std::thread::sleep(TURN);
        let Some(state) = state.upgrade() else { return };
        let until = u128::from(state.until.load(Ordering::Relaxed));
        if until != 0 && state.start.elapsed().as_millis() > until {
            state.gave_up.store(true, Ordering::Relaxed);
            for (descriptor, _) in sockets().difference(&state.before) {
                // One that is no connection says so, and stays as it is.
                let _ = shutdown(*descriptor, Shutdown::Both);
            }
        }
    }
}

/// The sockets of this process, with the names that the kernel gives them (`proc_pid_fd(5)`).
fn sockets() -> BTreeSet<(RawFd, PathBuf)> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return BTreeSet::new() };
    let socket = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        let is_socket = target.to_str().is_some_and(|name| name.starts_with("socket:"));
        Some((entry.file_name().to_str()?.parse().ok()?, target)).filter(|_| is_socket)
    };
    entries.flatten().filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_that_says_nothing_is_given_up_and_others_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        other.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let watch = Watch::begin();
        let mut silent = TcpStream::connect(address).unwrap();
        silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let awaited = watch.awaits(Duration::from_millis(100));
        assert_eq!(silent.read(&mut [0]).unwrap(), 0, "the end, not a time-out");
        drop(awaited);
        assert!(watch.gave_up());
        let error = other.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}
