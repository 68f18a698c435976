//! Options in front of operands, as getopt(3) and most programs read them.

/// Which options have a value in a word of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Valued {
    /// Letters: `-n 5`, `-n5`.
    pub letters: &'static str,
    /// Long names, for which `--name=value` is the same.
    pub names: &'static [&'static str],
}

/// One option: its letter or name, and its value.
pub(super) type Given = (String, Option<String>);

/// The options in front of the first operand, and what follows.
pub(super) fn leading(words: &[String], valued: Valued) -> (Vec<Given>, &[String]) {
    let mut found = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "--" {
            return (found, after);
        }
        if !word.starts_with('-') || word == "-" {
            break;
        }
        rest = take(word, after, valued, &mut found);
    }
    (found, rest)
}

/// All options, and the operands wherever they stand among them.
pub(super) fn permuted(words: &[String], valued: Valued) -> (Vec<Given>, Vec<String>) {
    let (mut found, mut operands) = (Vec::new(), Vec::new());
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "--" {
            operands.extend(after.iter().cloned());
            break;
        }
        if !word.starts_with('-') || word == "-" {
            operands.push(word.clone());
            rest = after;
            continue;
        }
        rest = take(word, after, valued, &mut found);
    }
    (found, operands)
}

fn take<'w>(
    word: &str,
    after: &'w [String],
    valued: Valued,
    found: &mut Vec<Given>,
) -> &'w [String] {
    let next = || after.first().cloned();
    let behind = after.get(1..).unwrap_or_default();
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((name, value)) => {
                found.push((name.to_owned(), Some(value.to_owned())));
                after
            }
            None if valued.names.contains(&long) => {
                found.push((long.to_owned(), next()));
                behind
            }
            None => {
                found.push((long.to_owned(), None));
                after
            }
        };
    }
    let letters = word.trim_start_matches('-');
    for (at, letter) in letters.char_indices() {
        if valued.letters.contains(letter) {
            let glued = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let own = !glued.is_empty();
            let value = if own { Some(glued.to_owned()) } else { next() };
            found.push((letter.to_string(), value));
            return if own { after } else { behind };
        }
        found.push((letter.to_string(), None));
    }
    after
}

/// The last value of one of these options.
pub(super) fn value<'o>(options: &'o [Given], names: &[&str]) -> Option<&'o str> {
    let mut all = options.iter().rev().filter(|(name, _)| names.contains(&name.as_str()));
    all.find_map(|(_, value)| value.as_deref())
}

/// Whether one of these options is given.
pub(super) fn has(options: &[Given], names: &[&str]) -> bool {
    options.iter().any(|(name, _)| names.contains(&name.as_str()))
}
