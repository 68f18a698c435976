//! The words of a path.

/// One word of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) name: String,
    pub(super) label: Option<String>,
}

/// The path with all labels taken out: what kind of setting it is about.
pub fn without_labels(path: &str) -> String {
    let mut plain = String::new();
    let (mut depth, mut quoted) = (0_usize, false);
    for c in path.chars() {
        match c {
            '"' if depth == 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            plain.push(c);
        }
    }
    plain
}

/// Splits `a["x.y"]."b.c".d` into its words.
pub(super) fn split(path: &str) -> Vec<Word> {
    let mut words = vec![Word::default()];
    let (mut quoted, mut within) = (false, false);
    for c in path.chars() {
        let Some(word) = words.last_mut() else { break };
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted && !within && !word.name.is_empty() => {
                within = true;
                word.label = Some(String::new());
            }
            ']' if !quoted && within => within = false,
            '.' if !quoted && !within => words.push(Word::default()),
            other => match word.label.as_mut().filter(|_| within) {
                Some(label) => label.push(other),
                None => word.name.push(other),
            },
        }
    }
    words
}
