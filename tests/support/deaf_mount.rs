//! A filesystem that is gone: mounted, but it answers nothing, like NFS without its server.

use super::machine::Machine;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::thread;

/// A FUSE filesystem, mounted inside a machine, whose server reads requests and never answers.
pub struct DeafMount {
    path: String,
}

impl DeafMount {
    /// Whether the kernel has FUSE.
    pub fn is_possible() -> bool {
        OpenOptions::new().read(true).write(true).open("/dev/fuse").is_ok()
    }

    /// Mounts it at `path`, which it makes.
    pub fn new(machine: &Machine, path: &str) -> Self {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse").unwrap();
        let output = machine.sh_with(
            device.try_clone().unwrap(),
            &format!(
                "mkdir -p {path} &&
                 mount -i -t fuse -o fd=0,rootmode=40000,user_id=0,group_id=0 deaf {path}"
            ),
        );
        assert_eq!(output.status, Some(0), "{output:?}");
        thread::spawn(move || serve(device));
        Self { path: path.to_owned() }
    }

    /// Tears it down, so that whoever waits for it wakes up.
    pub fn end(self, machine: &Machine) {
        // Aborts the connection even where it says that the mount is still in use.
        machine.sh(&format!("umount -f {0}; umount -l {0}", self.path));
    }
}

/// Says hello (`FUSE_INIT`, fuse(4)) and then nothing more. Ends when the mount does.
fn serve(mut device: File) {
    const INIT: u32 = 26;
    let mut request = vec![0; 1 << 20];
    while let Ok(length @ 40..) = device.read(&mut request) {
        let word = |at: usize| u32::from_le_bytes(request[at..at + 4].try_into().unwrap());
        if length > 40 && word(4) == INIT {
            // struct fuse_out_header (length, error, unique) and struct fuse_init_out (7.31).
            let mut answer = Vec::new();
            for number in [80u32, 0] {
                answer.extend(number.to_le_bytes());
            }
            answer.extend(&request[8..16]);
            for number in [7u32, 31, 0, 0, 0, 131_072, 1] {
                answer.extend(number.to_le_bytes());
            }
            answer.resize(80, 0);
            device.write_all(&answer).unwrap();
        }
    }
}
