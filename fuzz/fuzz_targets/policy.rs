//! Fuzzes reading a policy and rendering its errors.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("policy", data));
