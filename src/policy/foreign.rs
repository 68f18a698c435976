//! Words of other tools' languages, for people who have them in their fingers: what each is here.

/// Words with what they are here, by the name that goss, InSpec, container-structure-test or Ansible
/// give it.
const WORDS: [(&str, &str); 47] = [
    ("filetype", "`type`: file, directory, symlink, socket, fifo, block_device, char_device"),
    ("linked-to", "`target`, as it is stored in the link"),
    ("linked_to", "`target`, as it is stored in the link"),
    ("link_path", "`target`, as it is stored in the link"),
    ("contents", "`contains` and `not_contains`, regular expressions that match within a line"),
    ("content", "`contains` and `not_contains`, regular expressions that match within a line"),
    ("match-regexp", "{ matches: REGEX }"),
    ("match_regexp", "{ matches: REGEX }"),
    ("gt", "{ at_least: N }, with the next number"),
    ("ge", "{ at_least: N }"),
    ("lt", "{ at_most: N }, with the number before"),
    ("le", "{ at_most: N }"),
    ("have-len", "`count`, or `only: []` for nothing"),
    ("contain-element", "{ all: [...] } of a set"),
    ("contain-elements", "{ all: [...] } of a set"),
    ("consist-of", "{ exactly: [...] } of a set"),
    ("and", "several demands in one { }, or `all`"),
    ("or", "`any`: [{ ... }, { ... }]; with subjects of their own `any_of`"),
    ("be_owned_by", "`owner`"),
    ("be_grouped_into", "`group`"),
    ("be_mode", "`mode`"),
    ("be_running", "`running` of a service, `active` of a unit"),
    ("be_enabled", "`enabled`"),
    ("be_installed", "`installed`"),
    ("be_listening", "`listening`"),
    ("gid", "`group`, by name or number"),
    ("groupname", "`group`"),
    ("username", "`user`"),
    ("versions", "`version`"),
    ("opts", "`options`"),
    ("ip", "`addresses`"),
    ("describe", "a subject, such as file, and `must`"),
    ("describe.one", "`any_of`: [{ file: ..., must: { ... } }, ...]"),
    ("kernel-param", "`sysctl`"),
    ("kernel_param", "`sysctl`"),
    ("kernel_parameter", "`sysctl`"),
    ("gossfile", "`include`, or several files on the command line; `spotcheck import` follows it"),
    ("fileContentTests", "`file` with `contains`; `spotcheck import` reads such files"),
    ("fileExistenceTests", "`file` with `exists`; `spotcheck import` reads such files"),
    ("commandTests", "nothing: spotcheck starts no process"),
    ("command", "nothing as a subject: spotcheck starts no process; of cron it is a condition"),
    (
        "http",
        "nothing: spotcheck does not use the network; a kept result can be asked with `config`",
    ),
    ("dns", "nothing: spotcheck does not use the network"),
    ("addr", "nothing: spotcheck does not use the network"),
    ("ping", "nothing: spotcheck does not use the network"),
    ("only_if", "`when`"),
    ("impact", "`severity`: info, low, medium, high or critical"),
];

/// What a word of another tool is here.
pub fn here(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, here)| *here)
}
