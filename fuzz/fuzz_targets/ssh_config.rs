//! Fuzzes the parser of the format `ssh_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("ssh_config", data));
