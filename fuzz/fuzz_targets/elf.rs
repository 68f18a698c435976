//! Fuzzes the reader of elf(5).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("elf", data));
