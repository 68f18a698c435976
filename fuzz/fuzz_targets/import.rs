//! Fuzzes importing files of other tools: the policy that comes of them has no errors.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("import", data));
