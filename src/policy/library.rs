//! The policies that are part of the program, so that a machine with nothing but the binary has them.

/// A policy that is part of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// How it is called on the command line.
    pub name: &'static str,
    /// The place that findings name.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether it is about one site: it asks for that site's ports and users, so nobody gets it unasked.
    pub of_a_site: bool,
}

/// One policy of `policies/`.
macro_rules! shipped {
    ($name:literal) => {
        shipped!($name, false)
    };
    ($name:literal, $of_a_site:literal) => {
        BuiltIn {
            name: $name,
            file: concat!("<built-in>/", $name, ".yaml"),
            text: include_str!(concat!("../../policies/", $name, ".yaml")),
            of_a_site: $of_a_site,
        }
    };
}

/// The policy for hosts and root filesystems when none is named.
pub static HOST: BuiltIn = shipped!("host");
/// The policy for container images when none is named.
pub static IMAGE: BuiltIn = shipped!("image");

/// All of them, in the order of `docs/policies.md`.
pub static LIBRARY: [&BuiltIn; 12] = [
    &HOST,
    &shipped!("sshd"),
    &shipped!("cron"),
    &shipped!("sudo"),
    &shipped!("kernel"),
    &shipped!("docker-host"),
    &shipped!("apache"),
    &shipped!("redis"),
    &shipped!("postgresql"),
    &shipped!("privilege"),
    &IMAGE,
    &shipped!("nginx", true),
];

/// The policy of that name.
pub fn by_name(name: &str) -> Option<&'static BuiltIn> {
    LIBRARY.into_iter().find(|policy| policy.name == name)
}

/// Whether a word on the command line can be the name of a policy of the library: it is no path.
pub fn is_name(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !word.is_empty() && word.chars().all(fits)
}
