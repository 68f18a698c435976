//! Fuzzes the parser of the format `samba`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("samba", data));
