//! Replays the seeds of `fuzz/corpus` through what the fuzz targets do, so that a crash once found
//! and kept there stays fixed without a nightly compiler.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

#[test]
fn no_input_of_the_corpus_makes_a_parser_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut replayed = 0;
    for directory in std::fs::read_dir(&corpus).unwrap() {
        let directory = directory.unwrap().path();
        let target = directory.file_name().unwrap().to_str().unwrap().to_owned();
        for input in std::fs::read_dir(&directory).unwrap() {
            targets::run(&target, &std::fs::read(input.unwrap().path()).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0, "no inputs in {}", corpus.display());
}

#[test]
fn every_parser_of_hostile_input_has_a_fuzz_target_and_a_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let formats = spotcheck::formats::FORMATS.iter().map(|format| format.name);
    for name in formats.chain(targets::OTHERS).map(targets::name) {
        assert!(fuzz.join("corpus").join(&name).is_dir(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
