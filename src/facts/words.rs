//! Words that a daemon takes for a setting, and which of them mean the same.

/// The words of one setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Words of one meaning, the first of which stands for it.
    pub groups: &'static [&'static [&'static str]],
    /// Whether the owner compares them without regard to case.
    pub any_case: bool,
    /// Whether the owner takes other values as well.
    pub others: bool,
}

impl Words {
    /// Words of which the owner takes no others, compared without regard to case.
    pub const fn of(groups: &'static [&'static [&'static str]]) -> Self {
        Self { groups, any_case: true, others: false }
    }

    /// The same where other values are possible as well.
    pub const fn among_others(groups: &'static [&'static [&'static str]]) -> Self {
        Self { groups, any_case: true, others: true }
    }

    /// The word that stands for what `text` means; `None` when it is none of them.
    pub fn canonical(&self, text: &str) -> Option<&'static str> {
        let same = |word: &&&str| match self.any_case {
            true => word.eq_ignore_ascii_case(text),
            false => **word == text,
        };
        self.groups
            .iter()
            .find(|group| group.iter().any(|word| same(&word)))
            .and_then(|g| g.first().copied())
    }

    /// All words of the same meaning, `text` being one of them.
    pub fn group(&self, text: &str) -> &'static [&'static str] {
        let canonical = self.canonical(text);
        let found = self.groups.iter().find(|group| group.first().copied() == canonical);
        found.filter(|_| canonical.is_some()).copied().unwrap_or_default()
    }

    /// The words as they are listed in a message.
    pub fn listed(&self) -> String {
        let first = |group: &&[&'static str]| group.first().copied();
        self.groups.iter().filter_map(first).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Words = Words::of(&[&["yes", "true"], &["no", "false"]]);

    #[test]
    fn words_of_one_meaning_are_one() {
        assert_eq!(FLAGS.canonical("TRUE"), Some("yes"));
        assert_eq!(FLAGS.canonical("maybe"), None);
        assert_eq!(FLAGS.group("False"), ["no", "false"]);
        assert!(FLAGS.group("maybe").is_empty());
        assert_eq!(FLAGS.listed(), "yes, no");
    }
}
