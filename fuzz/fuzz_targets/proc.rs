//! Fuzzes the parsers of files of /proc.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("proc", data));
