//! Fuzzes the parser of the format `nginx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("nginx", data));
