//! Fuzzes the reader of sudoers(5).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("sudoers", data));
