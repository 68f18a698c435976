//! Fuzzes the reader of recordings, and policies on what it reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("recording", data));
