//! A run that ends in time even when the kernel does not let it.
//!
//! A thread that waits for a filesystem which is gone may be uninterruptible. The process it belongs
//! to can then end, but not be waited for: whoever started it would hang in its place. So with
//! `--timeout` the work is done by a second spotcheck, and the first one only waits for it to say
//! what its exit code is; then it ends, whatever becomes of the other.
//!
//! So it is, without a limit too, where a mount of another machine or of a FUSE program may not answer: what
//! is asked of it is given up, but the thread that has asked stays.
//!
//! Images, recordings and root directories are evaluated by a second process without a limit too: what
//! is in them may be made to end it, by whatever fault, and that shall be an error of the run and said.
//!
//! That second process is this very program, asked the same: no fact is learnt from another one.

use super::console::Console;
use crate::verdict::Exit;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

/// Tells the second process what it is: the number of the descriptor, the writing end of a pipe, on
/// which its exit code is awaited. Standard input stays what it is: an image may come from there.
const MARK: &str = "SPOTCHECK_SUPERVISED";

/// How long after the limit reports and ledger have to be written.
const GRACE: Duration = Duration::from_secs(15);

/// The stack of the thread that works: that of a main thread.
const STACK: usize = 8 << 20;

/// Whether this is the second process.
pub fn is_worker() -> bool {
    std::env::var_os(MARK).is_some()
}

/// The first process: its exit code is that of the second. `None` where there can be no second one.
pub fn watch(limit: Option<Duration>, console: &Console) -> Option<u8> {
    let (mut reader, writer) = std::io::pipe().ok()?;
    // The second process keeps the writing end under the same number.
    fcntl(&writer, FcntlArg::F_SETFD(FdFlag::empty())).ok()?;
    let mut worker = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .env(MARK, writer.as_raw_fd().to_string())
        .spawn()
        .ok()?;
    // With this copy of the writing end left open, nobody would notice that the other one is closed.
    drop(writer);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut code = [0];
        let said = reader.read(&mut code).is_ok_and(|bytes| bytes == 1);
        // Nobody may be waiting any more.
        let _ = sender.send(said.then_some(code));
    });
    match wait(&receiver, limit.map(|limit| limit.saturating_add(GRACE).saturating_add(GRACE))) {
        Ok(Some([code])) => Some(code),
        Ok(None) => {
            let how = worker.wait().map_or_else(|error| error.to_string(), |s| s.to_string());
            console.fail(&format!("the run ended without a result: {how}"));
            Some(Exit::CouldNotRun.code())
        }
        Err(_) => {
            // It may not be able to end now; then it does when it wakes up.
            let _ = worker.kill();
            console.fail("the run did not end in time and was given up");
            Some(Exit::Undecided.code())
        }
    }
}

/// The second process: does the work on a thread, and says in time what the exit code is.
pub fn work(
    limit: Option<Duration>,
    console: Console,
    job: impl FnOnce(&Console) -> u8 + Send + 'static,
) -> u8 {
    // Without the first process nobody wants to know any more.
    let _ = set_pdeathsig(Signal::SIGKILL);
    let pipe = pipe();
    let (sender, receiver) = mpsc::channel();
    let complaints = console;
    let started =
        std::thread::Builder::new().stack_size(STACK).spawn(move || sender.send(job(&console)));
    let code = match (started, wait(&receiver, limit.map(|limit| limit.saturating_add(GRACE)))) {
        (Ok(_), Ok(code)) => code,
        (Ok(_), Err(mpsc::RecvTimeoutError::Timeout)) => {
            complaints.fail(
                "the run did not end in time: reading policies, or writing reports or the ledger, \
                 takes longer than --timeout allows",
            );
            Exit::Undecided.code()
        }
        _ => complaints.fail("the run ended without a result").code(),
    };
    say(code, pipe);
    code
}

fn wait<T>(
    receiver: &mpsc::Receiver<T>,
    limit: Option<Duration>,
) -> Result<T, mpsc::RecvTimeoutError> {
    match limit {
        Some(limit) => receiver.recv_timeout(limit),
        None => receiver.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
    }
}

/// The pipe for the exit code, in the second process.
fn pipe() -> Option<File> {
    let number: u32 = std::env::var(MARK).ok()?.parse().ok()?;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
    let pipe = options.open(format!("/proc/self/fd/{number}")).ok()?;
    // Whoever sets the variable by hand shall not have a byte written into something else.
    pipe.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()).then_some(pipe)
}

/// Lets go of the output, so that nobody who reads it waits for a thread that cannot end, and says
/// the exit code.
fn say(code: u8, pipe: Option<File>) {
    if let Ok(nowhere) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&nowhere);
        let _ = nix::unistd::dup2_stderr(&nowhere);
    }
    // The first process may have gone; then it does not matter.
    let _ = pipe.map(|mut pipe| pipe.write_all(&[code]));
}
