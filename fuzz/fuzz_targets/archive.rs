//! Fuzzes archives of images, read in one go.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("archive", data));
