//! Fuzzes the parser of the format `sshd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("sshd", data));
