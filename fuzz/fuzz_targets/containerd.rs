//! Fuzzes the parser of the format `containerd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("containerd", data));
