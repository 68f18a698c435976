//! Fuzzes the documents of images.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("manifest", data));
