//! Names of units: `systemd.unit(5)`.

use super::dropins::TYPES;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Longest name, `UNIT_NAME_MAX` of systemd.
const LONGEST: usize = 255;

/// Whether a pattern of names says of which type its units are.
pub fn has_kind(pattern: &str) -> bool {
    TYPES.contains(&kind(pattern))
}

/// Whether a text could be the name of a unit, a template or an instance: `unit_name_is_valid()`.
pub fn is_valid(name: &str) -> bool {
    let Some((stem, suffix)) = name.rsplit_once('.') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    name.len() <= LONGEST
        && TYPES.contains(&suffix)
        && !stem.is_empty()
        && !stem.starts_with('@')
        && stem.chars().all(plain)
}

/// The type of a unit: `service` of `nginx.service`.
pub fn kind(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// Whether it is a template: `getty@.service`.
pub fn is_template(name: &str) -> bool {
    matches!(parts(name), Some((_, "", _)))
}

/// Whether it is an instance: `getty@tty1.service`.
pub fn is_instance(name: &str) -> bool {
    matches!(parts(name), Some((_, instance, _)) if !instance.is_empty())
}

/// The template of an instance.
pub fn template(name: &str) -> Option<String> {
    let (prefix, instance, kind) = parts(name)?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{kind}"))
}

/// The instance name of an instance: `tty1` of `getty@tty1.service`.
pub fn instance(name: &str) -> Option<&str> {
    parts(name).map(|(_, instance, _)| instance).filter(|instance| !instance.is_empty())
}

/// A template with this instance.
pub fn instantiate(template: &str, instance: &str) -> Option<String> {
    let (prefix, _, kind) = parts(template)?;
    Some(format!("{prefix}@{instance}.{kind}"))
}

/// A value with the specifiers for names replaced: `%i`, `%p`, `%n`, `%N` and `%%`. `None`: there
/// are others, whose value only systemd knows for sure.
pub fn expand(value: &str, unit: &str) -> Option<String> {
    let (stem, _) = unit.rsplit_once('.')?;
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            'i' => out.push_str(instance(unit).unwrap_or_default()),
            'p' => out.push_str(stem.split('@').next().unwrap_or_default()),
            'n' => out.push_str(unit),
            'N' => out.push_str(stem),
            _ => return None,
        }
    }
    Some(out)
}

/// Prefix, instance (empty for a template) and type; `None` for a plain name.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@')?;
    Some((prefix, instance, kind))
}

/// The path that the name of a mount, automount or swap stands for, `systemd-escape --path`:
/// `home-my\\x2ddata.mount` is `/home/my-data`.
pub fn path(name: &str) -> Option<PathBuf> {
    let (stem, _) = name.rsplit_once('.')?;
    if stem == "-" {
        return Some(PathBuf::from("/"));
    }
    let mut path = vec![b'/'];
    let mut rest = stem.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'-', _) => path.push(b'/'),
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                path.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = behind;
            }
            (byte, _) => path.push(*byte),
        }
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

/// Where the control group of a slice is, below the root: `a-b.slice` is within `a.slice`.
pub fn slice_group(name: &str) -> PathBuf {
    let mut group = PathBuf::new();
    let Some(stem) = name.strip_suffix(".slice").filter(|stem| *stem != "-") else { return group };
    for (at, _) in stem.match_indices('-') {
        group.push(format!("{}.slice", stem.get(..at).unwrap_or_default()));
    }
    group.push(name);
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_instances_lead_to_each_other() {
        assert!(is_template("getty@.service") && !is_instance("getty@.service"));
        assert!(is_instance("getty@tty1.service") && !is_template("getty@tty1.service"));
        assert_eq!(template("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(instantiate("a@.service", "b.c").as_deref(), Some("a@b.c.service"));
        assert_eq!(instance("a@b@c.service"), Some("b@c"));
        assert_eq!(template("nginx.service"), None);
    }

    #[test]
    fn names_stand_for_paths() {
        let path = |name| path(name).unwrap().display().to_string();
        assert_eq!(path("-.mount"), "/");
        assert_eq!(path("home-my\\x2ddata.mount"), "/home/my-data");
        assert_eq!(super::path("a\\xzz.mount"), None);
        assert_eq!(
            slice_group("a-b-c.slice").display().to_string(),
            "a.slice/a-b.slice/a-b-c.slice"
        );
        assert_eq!(slice_group("-.slice"), PathBuf::new());
    }

    #[test]
    fn only_names_with_a_type_are_units() {
        assert!(is_valid("nginx.service") && is_valid("-.mount") && is_valid("a\\x2db.mount"));
        for name in ["nginx", ".service", "a.conf", "a b.service", "@x.service", "a/b.service"] {
            assert!(!is_valid(name), "{name}");
        }
    }

    #[test]
    fn specifiers_of_names_are_replaced_and_others_are_unknown() {
        assert_eq!(expand("u-%i-%p-%%", "a@b.service").as_deref(), Some("u-b-a-%"));
        assert_eq!(expand("%N", "a@b.service").as_deref(), Some("a@b"));
        assert_eq!(expand("%H", "a.service"), None);
        assert_eq!(expand("%", "a.service"), None);
    }
}
