//! Fuzzes the merging of layers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("merge", data));
