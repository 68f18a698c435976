//! SHA-256 of bytes that go by, computed by a thread beside whatever else is done with them:
//! decompressing and hashing take about as long, and a machine mostly has two cores.

use sha2::{Digest, Sha256};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes that are handed over at once. What is shorter than that is not worth a thread.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait for the thread.
const WAITING: usize = 4;

/// A digest that is being computed.
pub enum Hasher {
    /// By whoever adds bytes, until so many have gone by; `None`: to the end.
    Here(Sha256, Option<usize>),
    /// By a thread.
    Beside(Beside),
}

/// A thread that hashes.
pub struct Beside {
    /// Being filled.
    block: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher::Here(Sha256::new(), Some(BLOCK))
    }
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Here(hash, left) => {
                hash.update(bytes);
                let Some(before) = *left else { return };
                *left = before.checked_sub(bytes.len());
                if left.is_none()
                    && let Some(beside) = Beside::new(hash.clone())
                {
                    *self = Hasher::Beside(beside);
                }
            }
            Hasher::Beside(beside) => beside.update(bytes),
        }
    }

    /// The digest as manifests write it; `None` where the thread has ended badly.
    pub fn finish(self) -> Option<String> {
        let hash = match self {
            Hasher::Here(hash, _) => hash,
            Hasher::Beside(beside) => beside.finish()?,
        };
        Some(sha256_text(hash.finalize().as_slice()))
    }
}

impl Beside {
    /// Goes on with a hash in a thread; `None` where there is no core or thread for that.
    fn new(mut hash: Sha256) -> Option<Self> {
        thread::available_parallelism().ok().filter(|cores| cores.get() > 1)?;
        let (full, to_hash) = sync_channel::<Vec<u8>>(WAITING);
        let (back, empty) = channel();
        let work = move || {
            for mut block in to_hash {
                hash.update(&block);
                block.clear();
                // Whoever fills them may have ended already.
                let _ = back.send(block);
            }
            hash
        };
        let thread = thread::Builder::new().name("sha256".to_owned()).spawn(work).ok()?;
        Some(Self { block: Vec::with_capacity(BLOCK), full, empty, thread })
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BLOCK.saturating_sub(self.block.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.block.extend_from_slice(now);
            bytes = rest;
            if self.block.len() >= BLOCK {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
        // A thread that is gone shows when its result is asked for.
        let _ = self.full.send(std::mem::replace(&mut self.block, next));
    }

    fn finish(mut self) -> Option<Sha256> {
        self.hand_over();
        drop(self.full);
        self.thread.join().ok()
    }
}

/// A digest as manifests write it.
pub fn sha256_text(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gives_the_digest_of_all_bytes_in_their_order() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK + 7] {
            let bytes: Vec<u8> = (0..size).map(|number| (number % 251) as u8).collect();
            for step in [1000, 70_000, 1 << 20] {
                let mut hasher = Hasher::default();
                bytes.chunks(step).for_each(|chunk| hasher.update(chunk));
                let expected = sha256_text(Sha256::digest(&bytes).as_slice());
                assert_eq!(hasher.finish(), Some(expected), "{size} in steps of {step}");
            }
        }
    }
}
