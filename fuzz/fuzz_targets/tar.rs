//! Fuzzes the walker of tar archives.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("tar", data));
