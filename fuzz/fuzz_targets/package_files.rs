//! Fuzzes what is read of package databases about files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("package_files", data));
