//! The command line of a kernel, as `parse_args()` of the kernel reads it (`lib/cmdline.c`,
//! `kernel/params.c`; kernel-command-line(7), bootparam(7)).

/// The options of a command line in their order, names and values apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    options: Vec<(String, Option<String>)>,
}

impl CommandLine {
    /// Reads a command line. Double quotes keep spaces together (`next_arg()`); what follows `--` is
    /// for init and no option of the kernel.
    pub fn parse(text: &str) -> Self {
        let options = words(text)
            .into_iter()
            .take_while(|word| word != "--")
            .map(|word| match word.split_once('=') {
                Some((name, value)) => (plain(name), Some(unquoted(value).to_owned())),
                None => (plain(&word), None),
            })
            .collect();
        Self { options }
    }

    /// The options of that name. The kernel does not tell `-` and `_` apart in names (`parameq()`).
    fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Option<String>> {
        let name = plain(name);
        self.options.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Whether it has the option, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// Whether it has the option as a word alone.
    pub fn flag(&self, name: &str) -> bool {
        self.named(name).any(Option::is_none)
    }

    /// The value of the option, the last one where it is given several times; that of an option without a
    /// value is empty. `None`: it is not given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.named(name).next_back().map(|value| value.as_deref().unwrap_or_default())
    }

    /// The values of the option, in order.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.named(name).map(|value| value.as_deref().unwrap_or_default()).collect()
    }
}

fn plain(name: &str) -> String {
    name.trim_matches('"').replace('-', "_")
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').map_or(value.strip_suffix('"').unwrap_or(value), |rest| {
        rest.strip_suffix('"').unwrap_or(rest)
    })
}

/// Words between spaces that are in no quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            _ if c.is_ascii_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            '"' => {
                quoted = !quoted;
                word.push(c);
            }
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_counts_and_dashes_are_underscores() {
        let line = CommandLine::parse("BOOT_IMAGE=/vmlinuz ro a.b-c=1 quiet a.b_c=2\n");
        assert_eq!(line.value("a.b-c"), Some("2"));
        assert_eq!(line.values("a.b_c"), ["1", "2"]);
        assert!(line.flag("quiet") && line.has("ro") && !line.flag("a.b_c"));
        assert_eq!((line.value("quiet"), line.value("debug")), (Some(""), None));
    }

    #[test]
    fn quotes_keep_spaces_and_what_init_gets_is_no_option() {
        let line = CommandLine::parse("dyndbg=\"file a.c +p\" \"x=1 2\" -- audit=0");
        assert_eq!(line.value("dyndbg"), Some("file a.c +p"));
        assert_eq!(line.value("x"), Some("1 2"));
        assert!(!line.has("audit"));
    }
}
