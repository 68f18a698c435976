//! Distributions as `when: os:` names them: `ID` and `ID_LIKE` of `os-release(5)`.
//!
//! A name that no system can have would switch its rules off for good, and nobody would notice. So what is
//! no such id is refused, what people call a distribution is answered with its id, and case does not count:
//! the ids are lower case by definition.

use super::diagnostic::Diagnostic;
use super::expect::{Expect, Operand, Term};
use super::node::{Node, Scalar};
use super::operand::Text;
use crate::text::suggest;

/// Ids of distributions, from their `os-release` files.
const KNOWN: [&str; 86] = [
    "alinux",
    "almalinux",
    "alpine",
    "altlinux",
    "amzn",
    "anolis",
    "arch",
    "arch32",
    "archarm",
    "artix",
    "asianux",
    "astra",
    "azurelinux",
    "bottlerocket",
    "buildroot",
    "cachyos",
    "centos",
    "chimera",
    "circle",
    "clear-linux-os",
    "cloudlinux",
    "coreos",
    "cos",
    "debian",
    "deepin",
    "devuan",
    "elementary",
    "endeavouros",
    "euleros",
    "eurolinux",
    "fedora",
    "flatcar",
    "garuda",
    "gentoo",
    "guix",
    "kali",
    "kylin",
    "linux",
    "linuxmint",
    "mageia",
    "manjaro",
    "mariner",
    "miraclelinux",
    "navylinux",
    "neon",
    "nixos",
    "nobara",
    "ol",
    "opencloudos",
    "openeuler",
    "opensuse",
    "opensuse-leap",
    "opensuse-tumbleweed",
    "openwrt",
    "pardus",
    "parrot",
    "photon",
    "poky",
    "pop",
    "postmarketos",
    "pureos",
    "qubes",
    "rancheros",
    "raspbian",
    "redos",
    "rhel",
    "rocky",
    "rosa",
    "scientific",
    "slackware",
    "sle-micro",
    "sled",
    "sles",
    "solus",
    "steamos",
    "suse",
    "talos",
    "tencentos",
    "trisquel",
    "ubuntu",
    "ultramarine",
    "uos",
    "virtuozzo",
    "void",
    "wolfi",
    "zorin",
];

/// What people call them, without spaces, dashes and versions, and the id that is meant.
const CALLED: [(&str, &str); 17] = [
    ("redhat", "rhel"),
    ("redhatenterprise", "rhel"),
    ("redhatenterpriselinux", "rhel"),
    ("el", "rhel"),
    ("centosstream", "centos"),
    ("oracle", "ol"),
    ("oraclelinux", "ol"),
    ("amazon", "amzn"),
    ("amazonlinux", "amzn"),
    ("archlinux", "arch"),
    ("alpinelinux", "alpine"),
    ("alma", "almalinux"),
    ("rockylinux", "rocky"),
    ("raspberrypios", "raspbian"),
    ("mint", "linuxmint"),
    ("suselinuxenterpriseserver", "sles"),
    ("popos", "pop"),
];

/// One id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Distribution(String);

impl Operand for Distribution {
    const WHAT: &'static str = "the id of a distribution";
    const ORDERED: bool = false;
    const TEXTUAL: bool = true;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let id = scalar.text.to_lowercase();
        if KNOWN.contains(&id.as_str()) {
            return Ok(Self(id));
        }
        let letters: String = id.chars().filter(char::is_ascii_alphabetic).collect();
        let called = CALLED.iter().find(|(called, _)| *called == letters).map(|(_, id)| *id);
        let versioned = || KNOWN.into_iter().find(|known| *known == letters && letters != id);
        // A slip keeps the beginning; what begins otherwise may well be a system's own id.
        let slip = || suggest::closest(&id, KNOWN).filter(|known| known.get(..1) == id.get(..1));
        let meant = called.or_else(versioned).or_else(slip);
        if let Some(meant) = meant {
            let version = match id.bytes().any(|byte| byte.is_ascii_digit()) {
                true => ", with its version in `os_version`",
                false => "",
            };
            return Err(format!("no system has this id; {meant} is meant, perhaps{version}"));
        }
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        match !id.is_empty() && id.bytes().all(is_id) {
            true => Ok(Self(id)),
            false => Err(
                "an id such as debian, rhel or opensuse-leap has letters, digits, `.`, `_`, `-`"
                    .into(),
            ),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Reads the distributions that a policy is for.
pub(super) fn parse(node: &Node) -> Result<Expect<Text>, Diagnostic> {
    Expect::<Distribution>::parse(node).map(texts)
}

fn texts(expect: Expect<Distribution>) -> Expect<Text> {
    let each = |all: Vec<Expect<Distribution>>| all.into_iter().map(texts).collect();
    match expect {
        Expect::Any(all) => Expect::Any(each(all)),
        Expect::All(all) => Expect::All(each(all)),
        Expect::Not(one) => Expect::Not(Box::new(texts(*one))),
        Expect::Term(term) => Expect::Term(match term {
            Term::Is(id) => Term::Is(Text(id.0)),
            Term::AtMost(id) => Term::AtMost(Text(id.0)),
            Term::AtLeast(id) => Term::AtLeast(Text(id.0)),
            Term::Matches(pattern) => Term::Matches(pattern),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let scalar = Scalar { text: text.to_owned(), quoted: false };
        Distribution::parse(&scalar).map(|id| id.0)
    }

    #[test]
    fn ids_are_taken_in_any_case_and_unknown_ones_that_may_be_are_taken_too() {
        assert_eq!(read("Debian"), Ok("debian".into()));
        assert_eq!(read("RHEL"), Ok("rhel".into()));
        for own in KNOWN.into_iter().chain(["astra", "our-appliance", "eurolinux"]) {
            assert_eq!(read(own), Ok(own.into()));
        }
    }

    #[test]
    fn what_no_system_is_called_is_refused_with_what_is_meant() {
        for (text, meant) in [
            ("Red Hat", "rhel is meant"),
            ("redhat", "rhel is meant"),
            ("rhel9", "rhel is meant, perhaps, with its version in `os_version`"),
            ("Ubuntu 22.04", "ubuntu is meant, perhaps, with its version"),
            ("debain", "debian is meant"),
            ("Amazon Linux", "amzn is meant"),
            ("ArchLinux", "arch is meant"),
            ("my system", "has letters"),
            ("", "has letters"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(meant), "{text}: {refused}");
        }
    }
}
