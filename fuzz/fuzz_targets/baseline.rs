//! Fuzzes the reader of baselines and their history.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("baseline", data));
